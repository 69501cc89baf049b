//! `cargo bench --bench crashes`: commands while every shard is crashed, printed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to whoever runs it"
)]

use std::process::ExitCode;

use clap::Parser;
use mercato_benches::{CrashArgs, crashes};

#[derive(Debug, Parser)]
#[command(about = "Gives commands while every shard is crashed, and counts what became of them")]
struct Cli {
    #[command(flatten)]
    args: CrashArgs,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match crashes(&cli.args) {
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
