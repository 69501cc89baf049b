//! `cargo bench --bench mailbox`: the figures of mailboxes and restarts, printed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reports to whoever runs it"
)]

use std::process::ExitCode;

use clap::Parser;
use mercato_benches::{MailboxArgs, mailbox};

#[derive(Debug, Parser)]
#[command(about = "Holds the supervised mailbox against bare actors")]
struct Cli {
    #[command(flatten)]
    args: MailboxArgs,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match mailbox(&cli.args) {
        Ok(tables) => {
            print!("\n{tables}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
