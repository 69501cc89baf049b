//! What agents answered to a flow's steps, kept in its own log before the journal forgets it.
//!
//! A step that wrote is answered with its first reply when the flow is run again, and first replies
//! are kept for a time and up to a number ([`JournalOptions`](mercato_persistence::JournalOptions)). A
//! flow may take longer than that: one that sleeps for a month would take its early steps a second
//! time. So whatever a flow learnt is noted when it is parked, and within ten seconds where it is not.
//! A flow that is over by then, which most are, writes none of it down.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::context::Flow;
use super::events::{FlowEvent, StepNoted};
use crate::error::AskFailure;

/// How long a reply is only known to the agent that gave it. First replies must be kept for longer
/// than this and one step take together.
const NOTED_AFTER: Duration = Duration::from_secs(10);
/// So many replies are noted at once, however young they are.
const REPLIES_MAX: usize = 64;
/// And so many bytes of them.
const BYTES_MAX: usize = 64 * 1024;

/// The replies that a run of a flow has had, and that its log does not know.
#[derive(Debug, Default)]
pub(super) struct Replies {
    fresh: Mutex<Vec<StepNoted>>,
    /// There is a first one.
    begun: Notify,
}

impl Replies {
    /// All of them, to be noted.
    pub(super) fn take(&self) -> Vec<FlowEvent> {
        let fresh = std::mem::take(&mut *self.fresh.lock());
        fresh.into_iter().map(FlowEvent::from).collect()
    }

    /// Keeps one more. Gives whether there are many by now.
    fn keep(&self, reply: StepNoted) -> bool {
        let mut fresh = self.fresh.lock();
        if fresh.is_empty() {
            self.begun.notify_one();
        }
        fresh.push(reply);
        let bytes = fresh.iter().map(|reply| reply.value.len()).sum::<usize>();
        fresh.len() >= REPLIES_MAX || bytes >= BYTES_MAX
    }
}

impl Flow {
    /// Keeps the reply of a step, in its stored form.
    pub(super) fn keep_reply(&self, step: &str, value: Vec<u8>) -> Result<(), AskFailure> {
        let step = step.into();
        match self.inner.replies.keep(StepNoted { step, value }) {
            true => self.note_replies(),
            false => Ok(()),
        }
    }

    fn note_replies(&self) -> Result<(), AskFailure> {
        let core = self.core();
        let noted = self.with_log(|log| {
            let replies = self.inner.replies.take();
            if replies.is_empty() {
                return Ok(());
            }
            log.append(&*core.journal, core.clock.now(), replies, Vec::new())
        });
        noted.inspect_err(|failure| self.heed_the_log(failure))
    }

    /// Notes replies before they are old, for as long as it is polled.
    ///
    /// # Errors
    /// Where the journal takes nothing: the flow is run again, from what the log knows.
    pub(super) async fn note_in_time(&self) -> AskFailure {
        loop {
            self.inner.replies.begun.notified().await;
            tokio::time::sleep(NOTED_AFTER).await;
            if let Err(failure) = self.note_replies() {
                return failure;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(bytes: usize) -> StepNoted {
        StepNoted {
            step: "step".into(),
            value: vec![0; bytes],
        }
    }

    /// Catches: replies that only memory knows though they are many or large, to the last of them.
    #[test]
    fn replies_are_to_be_noted_at_once_when_they_are_many_or_large() {
        let replies = Replies::default();
        let many: Vec<_> = (1..=REPLIES_MAX).map(|_| replies.keep(reply(1))).collect();
        let first = many.iter().position(|many| *many);
        assert_eq!(first, Some(REPLIES_MAX - 1));
        assert_eq!(replies.take().len(), REPLIES_MAX);
        let large = [65_534, 1, 1].map(|bytes| replies.keep(reply(bytes)));
        assert_eq!(large, [false, false, true]);
        assert_eq!((replies.take().len(), replies.take().len()), (3, 0));
    }
}
