//! `cargo bench --bench entities`: what entities weigh, printed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to whoever runs it"
)]

use std::process::ExitCode;

use clap::Parser;
use mercato_benches::{BenchError, EntitiesArgs, Launch, entities};

#[derive(Debug, Parser)]
#[command(about = "Weighs entities in memory against their bare states")]
struct Cli {
    #[command(flatten)]
    args: EntitiesArgs,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match measure(&cli.args) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(args: &EntitiesArgs) -> Result<String, BenchError> {
    entities(args, &Launch::this_program(None::<&str>)?)
}
