//! The one writer of a journal: commits one group after the other, and sees to a disk that fails.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{JournalFailed, OpenError};
use crate::front::Group;
use crate::options::{DiskPace, WriterPlace};
use crate::pace::GroupLimit;
use crate::shared::Shared;

/// How long the writer waits before it tries a disk that failed for the first time again; each
/// wait is twice the one before.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// No wait is longer.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Starts the writer's loop: the same one on a thread and as a task.
pub(crate) fn spawn(shared: &Arc<Shared>, place: WriterPlace) -> std::io::Result<()> {
    let shared = shared.clone();
    match place {
        WriterPlace::Task(pace) => {
            tokio::spawn(run(shared, Stopwatch::Virtual(pace)));
        }
        WriterPlace::Thread => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            std::thread::Builder::new()
                .name("mercato-journal".into())
                .spawn(move || runtime.block_on(run(shared, Stopwatch::Machine)))?;
        }
    }
    Ok(())
}

/// How long commits take.
enum Stopwatch {
    Machine,
    Virtual(Box<dyn DiskPace>),
}

impl Stopwatch {
    /// Carries out a commit of `bytes`, and says how long it took.
    async fn time<T>(&mut self, bytes: usize, commit: impl FnOnce() -> T) -> (T, Duration) {
        match self {
            Self::Machine => {
                // The one place in this crate that reads the machine's clock: it measures the disk.
                #[expect(
                    clippy::disallowed_methods,
                    reason = "there is no other way to measure"
                )]
                let began = std::time::Instant::now();
                let done = commit();
                (done, began.elapsed())
            }
            Self::Virtual(pace) => {
                let lead = pace.lead_time(bytes);
                if !lead.is_zero() {
                    tokio::time::sleep(lead).await;
                }
                let done = commit();
                let took = pace.commit_time(bytes);
                tokio::time::sleep(took).await;
                (done, lead + took)
            }
        }
    }
}

/// Commits until the journal closes, or its disk is gone for good. There is no linger: while one
/// group is being synced the next one gathers, so an idle journal answers after one sync and a
/// busy one fills its groups.
async fn run(shared: Arc<Shared>, mut stopwatch: Stopwatch) {
    let options = &shared.options;
    let mut limit = GroupLimit::new(options.group_bytes_max, options.commit_time_max);
    loop {
        let failed = match next_group(&shared, limit.bytes()).await {
            Ok(None) => break,
            Ok(Some(group)) => {
                let records = group.last.get().saturating_sub(shared.gate.durable().get());
                let commit = || shared.commit(&group);
                let (written, took) = stopwatch.time(group.bytes, commit).await;
                match written {
                    Ok(()) => {
                        shared.meters.committed(records, group.bytes, took);
                        limit.learn(group.bytes, took);
                        shared.publish(&group);
                        continue;
                    }
                    Err(failed) => {
                        shared.meters.failed();
                        failed
                    }
                }
            }
            Err(failed) => failed,
        };
        shared.fail(&failed);
        if let Err(GivenUp { because }) = wait_for_the_disk(&shared).await {
            shared.give_up(because);
            break;
        }
    }
    // Whoever waits for the end may open the file again at once: let go of it first.
    let stopped = shared.stopped.clone();
    drop(shared);
    stopped.send_replace(true);
}

/// Waits for work. `None` when the journal is closing and all is written.
///
/// # Errors
/// Where somebody found that the disk cannot be read.
async fn next_group(shared: &Shared, bytes_max: usize) -> Result<Option<Group>, JournalFailed> {
    loop {
        {
            let mut front = shared.front.lock();
            if let Some(failed) = &front.failed {
                return Err(failed.clone());
            }
            if front.has_work() || front.closing {
                let group = front.next_group(bytes_max);
                return Ok((!group.is_empty()).then_some(group));
            }
            front.writer_rests = true;
        }
        shared.work.notified().await;
    }
}

/// The disk will not be tried any more.
struct GivenUp {
    /// What there is to say beside the failure itself.
    because: Option<JournalFailed>,
}

/// Tries the disk again and again, ever more rarely, until the journal can go on.
///
/// # Errors
/// When it never can: it is closing, cannot be opened anew, or lost what it had acknowledged.
async fn wait_for_the_disk(shared: &Shared) -> Result<(), GivenUp> {
    let mut wait = FIRST_RETRY;
    let mut damaged = false;
    loop {
        tokio::select! {
            biased;
            () = shared.closing() => return Err(GivenUp { because: None }),
            () = tokio::time::sleep(wait) => {}
        }
        match shared.reopen() {
            Ok(()) => return Ok(()),
            Err(OpenError::NotResumable { .. }) => return Err(GivenUp { because: None }),
            // A disk that fails in the middle of it may look damaged. One that is stays so.
            Err(error @ OpenError::Damaged { .. }) if damaged => {
                let because = Some(JournalFailed::because(error));
                return Err(GivenUp { because });
            }
            Err(error) => {
                damaged = matches!(error, OpenError::Damaged { .. });
                tracing::debug!(%error, "the journal's disk is not back yet");
            }
        }
        wait = (wait * 2).min(RETRY_MAX);
    }
}
