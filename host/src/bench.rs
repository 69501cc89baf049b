//! `mercato bench`: measures, and prints each part as it is done.

use mercato_benches::{BenchError, Launch, ask, crashes, entities, journal};

use crate::args::{BenchArgs, BenchTask};
use crate::output::print;

/// Runs a measurement. There is no figure that it would call a failure.
pub(crate) fn run(args: &BenchArgs) -> Result<bool, String> {
    let measured = || -> Result<(), BenchError> {
        match &args.task {
            BenchTask::Journal(args) => {
                let launch = Launch::this_program(["bench", "journal"])?;
                journal(args, &launch, &mut |text| print(&text))
            }
            BenchTask::Ask(args) => print(&ask(args)?).map_err(BenchError::Output),
            BenchTask::Crashes(args) => print(&crashes(args)?).map_err(BenchError::Output),
            BenchTask::Entities(args) => {
                let launch = Launch::this_program(["bench", "entities"])?;
                print(&entities(args, &launch)?).map_err(BenchError::Output)
            }
        }
    };
    measured().map_err(|error| error.to_string())?;
    Ok(true)
}
