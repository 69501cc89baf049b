//! `mercato bench`: measures, and prints each part as it is done.

use mercato_benches::{
    BenchError, EntitiesArgs, JournalArgs, Launch, ask, crashes, entities, journal, since_start,
};
use mercato_sim::{
    CampaignBenchOptions, backtest, campaign_bench, evaluate_intents, evaluate_recommendations,
};

use crate::args::{BenchArgs, BenchTask};
use crate::output::print;

/// Runs a measurement. There is no figure that it would call a failure.
pub(crate) fn run(args: &BenchArgs) -> Result<bool, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    match &args.task {
        BenchTask::Journal(args) => measure_journal(args).map_err(|error| text(&error))?,
        BenchTask::Ask(args) => print(&ask(args).map_err(|error| text(&error))?)?,
        BenchTask::Crashes(args) => print(&crashes(args).map_err(|error| text(&error))?)?,
        BenchTask::Entities(args) => weigh_entities(args).map_err(|error| text(&error))?,
        BenchTask::Forecast(args) => {
            let report = backtest(&args.data, &since_start());
            print(&report.map_err(|error| text(&error))?)?;
        }
        BenchTask::Intents(args) => {
            let report = evaluate_intents(&args.data, &since_start());
            print(&report.map_err(|error| text(&error))?)?;
        }
        BenchTask::Campaign(args) => {
            let options = CampaignBenchOptions {
                runs: args.runs,
                seed: args.seed,
                quick: args.quick,
                data: args.data.clone(),
            };
            let report = campaign_bench(&options, &since_start());
            print(&report.map_err(|error| text(&error))?)?;
        }
        BenchTask::Recommend(args) => {
            let report = evaluate_recommendations(&args.data, &since_start());
            print(&report.map_err(|error| text(&error))?)?;
        }
    }
    Ok(true)
}

fn measure_journal(args: &JournalArgs) -> Result<(), BenchError> {
    let launch = Launch::this_program(["bench", "journal"])?;
    journal(args, &launch, &mut |text| print(&text))
}

fn weigh_entities(args: &EntitiesArgs) -> Result<(), BenchError> {
    let launch = Launch::this_program(["bench", "entities"])?;
    print(&entities(args, &launch)?).map_err(BenchError::Output)
}
