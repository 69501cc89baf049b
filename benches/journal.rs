//! `cargo bench --bench journal`: the journal's figures, printed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to whoever runs it"
)]

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mercato_benches::{BenchError, JournalArgs, Launch, journal};

#[derive(Debug, Parser)]
#[command(about = "Holds the journal against a bare append-only log")]
struct Cli {
    #[command(flatten)]
    args: JournalArgs,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match measure(&cli.args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(args: &JournalArgs) -> Result<(), BenchError> {
    let launch = Launch::this_program(None::<&str>)?;
    journal(args, &launch, &mut |text| {
        print!("{text}");
        std::io::stdout().flush().map_err(|error| error.to_string())
    })
}
