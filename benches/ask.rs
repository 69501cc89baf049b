//! `cargo bench --bench ask`: the figures of an ask, printed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to whoever runs it"
)]

use std::process::ExitCode;

use clap::Parser;
use mercato_benches::{AskArgs, ask};

#[derive(Debug, Parser)]
#[command(about = "Holds an ask through the runtime against a bare actor's call")]
struct Cli {
    #[command(flatten)]
    args: AskArgs,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match ask(&cli.args) {
        Ok(table) => {
            print!("\n{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
