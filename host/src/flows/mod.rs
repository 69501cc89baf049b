//! `mercato flows`: looks at the flows of a journal that no process has open, and records what is to
//! become of them.
//!
//! No shop is opened for it. A flow goes on only where its shop does, with the shop's own gateways:
//! money that was taken through one of them cannot be given back through another. And the keys of
//! persons stay shut, so nothing that is printed can come from what is sealed.

mod change;
mod look;
mod shown;
mod table;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::flows_at_rest;
use mercato_actors::runtime::Flows;
use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, RedbJournal, ToolError, WriterPlace,
};

use crate::args::{FlowsArgs, FlowsTask};
use crate::config;
use crate::journal::told;

/// As many first replies as a journal can be told to keep, and for as long.
const REPLIES_MAX: usize = 100_000_000;
const REPLIES_KEEP: Duration = Duration::from_secs(3_650 * 86_400);

/// `false` where the journal is damaged.
pub(crate) fn run(args: &FlowsArgs) -> Result<bool, String> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| format!("no timer can be had from the system: {error}"))?;
    tokio.block_on(over(&args.task))
}

async fn over(task: &FlowsTask) -> Result<bool, String> {
    let options = limits(task.config())?;
    let journal = RedbJournal::without_keys(task.file(), options, WriterPlace::Thread);
    let Some(journal) = told(journal.map_err(ToolError::from))? else {
        return Ok(false);
    };
    let journal = Arc::new(journal);
    let flows = flows_at_rest(journal.clone()).map_err(|error| error.to_string())?;
    let done = carry_out(&flows, task).await;
    let closed = journal.close().await;
    done?;
    closed.map_err(|error| error.to_string())?;
    Ok(true)
}

async fn carry_out(flows: &Flows, task: &FlowsTask) -> Result<(), String> {
    match task {
        FlowsTask::List(args) => look::list(flows, args),
        FlowsTask::Work(args) => look::work(flows, args),
        FlowsTask::Show { which, json } => look::show(flows, which, *json),
        FlowsTask::Cancel {
            which,
            request,
            reason,
        } => change::cancel(flows, which, request, reason).await,
        FlowsTask::Retry {
            which,
            request,
            step,
        } => change::retry(flows, which, request, step.as_deref()).await,
        FlowsTask::Resolve {
            which,
            request,
            step,
            reason,
        } => change::resolve(flows, which, request, step.as_deref(), reason).await,
    }
}

/// The limits that the journal is opened with. How many first replies the shop keeps is known from its
/// configuration alone; without that none is let go that the shop may still need.
fn limits(file: Option<&Path>) -> Result<JournalOptions, String> {
    let configured = config::loaded(file)?.config.journal;
    Ok(match file {
        Some(_) => configured,
        None => JournalOptions {
            replies_max: REPLIES_MAX,
            replies_keep: REPLIES_KEEP,
            ..configured
        },
    })
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Catches: a command that has the journal forget replies that the shop keeps, so that a command
    /// which comes again is carried out twice; and a configuration that is not heeded.
    #[test]
    fn no_reply_is_let_go_that_the_shop_may_need() {
        let unknown = limits(None).expect("defaults");
        assert_eq!(unknown.replies_max, REPLIES_MAX);
        assert_eq!(unknown.replies_keep, REPLIES_KEEP);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.toml");
        std::fs::write(&file, "[journal]\nreplies_max = 5000\n").expect("a file");
        let known = limits(Some(file.as_path())).expect("a configuration");
        assert_eq!(known.replies_max, 5_000);
        assert_eq!(known.replies_keep, JournalOptions::default().replies_keep);
    }
}
