//! The `mercato` command.
//!
//! Exit status: 0 when all went well, 1 when a law was broken or a journal is damaged, 2 when the
//! command could not do what it was asked.
#![allow(clippy::print_stderr, reason = "errors of a command are for people")]

mod args;
mod bench;
#[cfg(feature = "planted-bugs")]
mod bugs;
mod config;
mod cpu;
mod flows;
mod hunt;
mod journal;
mod output;
mod panics;
mod scenario;
mod simulate;
mod support;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Task};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("MERCATO_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off")),
        )
        .with_writer(std::io::stderr)
        .init();
    panics::hide_injected();
    let outcome = match args.task {
        Task::Simulate(args) => simulate::run(args),
        Task::Journal(args) => journal::run(&args),
        Task::Flows(args) => flows::run(&args),
        Task::Config(args) => config::run(&args),
        Task::Support(args) => support::run(&args),
        Task::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
