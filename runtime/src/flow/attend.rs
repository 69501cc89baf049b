//! Stands by while a flow's function runs: sees its losers off, lets it sleep without a task, and
//! ends it where it does not stop by itself.

use std::sync::Arc;
use std::task::Poll;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use mercato_persistence::TimerChange;

use super::context::Flow;
use super::engine::Engine;
use super::log::WAKE;
use super::losers::GRACE;
use super::running::Running;
use crate::clock::Timestamp;
use crate::error::AskFailure;

/// How attending a function came out.
pub(super) enum Attended {
    /// It returned, and all that lost beside it is undone.
    Returned(Result<Vec<u8>, Vec<u8>>),
    /// It sleeps, and the timer that wakes it is durable.
    Parked,
}

type Outcome = Result<Vec<u8>, Vec<u8>>;

impl Engine {
    pub(super) async fn attend(
        self: &Arc<Self>,
        flow: &Flow,
        running: &Running,
        mut run: BoxFuture<'static, Outcome>,
    ) -> Result<Attended, AskFailure> {
        let losers = &flow.inner.losers;
        let _swept = losers.swept();
        let mut losing = FuturesUnordered::new();
        let stopped = async {
            flow.scope.until_stopped().await;
            // The step in hand comes to its end, and no other begins.
            tokio::time::sleep(GRACE).await;
        };
        tokio::pin!(stopped);
        let over = async {
            let back = self.core.journal.until_writable_after(flow.epoch());
            if back.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::pin!(over);
        let mut is_over = false;
        let noting = flow.note_in_time();
        tokio::pin!(noting);
        let outcome = loop {
            let none_loses = losing.is_empty();
            // Asked after each poll: only then has the function nothing left to do but to wait.
            let polled = std::future::poll_fn(|cx| match run.poll_unpin(cx) {
                Poll::Ready(outcome) => Poll::Ready(Polled::Returned(outcome)),
                // It may go by what never was, and be needed by others: it is run again at once.
                Poll::Pending
                    if is_over && none_loses && losers.is_empty() && flow.only_rests() =>
                {
                    Poll::Ready(Polled::TakenBack)
                }
                Poll::Pending => match flow.sleeps_for(self.options.park_after) {
                    Some(until) if none_loses && losers.is_empty() => {
                        Poll::Ready(Polled::Sleeps(until))
                    }
                    _ => Poll::Pending,
                },
            });
            let sleeps = tokio::select! {
                biased;
                polled = polled => match polled {
                    Polled::Returned(outcome) => break outcome,
                    Polled::Sleeps(until) => Some(until),
                    Polled::TakenBack => return Err(AskFailure::taken_back()),
                },
                lost = losing.next(), if !losing.is_empty() => {
                    lost.unwrap_or(Ok(()))?;
                    None
                }
                loser = losers.next() => {
                    losing.push(loser);
                    None
                }
                () = &mut over, if !is_over => {
                    is_over = true;
                    None
                }
                () = &mut stopped => break Err(Vec::new()),
                failure = &mut noting => return Err(failure),
            };
            let Some(until) = sleeps else { continue };
            if running.end.receiver_count() == 0 && self.park(flow, running, until).await? {
                return Ok(Attended::Parked);
            }
            // Whoever waits is served from memory.
            tokio::select! {
                biased;
                outcome = &mut run => break outcome,
                loser = losers.next() => losing.push(loser),
                () = running.end.closed() => {}
                () = &mut over, if !is_over => is_over = true,
                () = &mut stopped => break Err(Vec::new()),
                failure = &mut noting => return Err(failure),
            }
        };
        drop(run);
        loop {
            while let Some(loser) = losers.take() {
                losing.push(loser);
            }
            match losing.next().await {
                Some(lost) => lost?,
                None => return Ok(Attended::Returned(outcome)),
            }
        }
    }

    /// Sets the timer that wakes the flow, and waits until that is durable: a timer that is taken
    /// back would wake nobody. `false` where the flow was cancelled meanwhile.
    async fn park(
        &self,
        flow: &Flow,
        running: &Running,
        until: Timestamp,
    ) -> Result<bool, AskFailure> {
        let wake = TimerChange::Set {
            name: WAKE.into(),
            due_at_ms: until.as_millis(),
            payload: Vec::new(),
        };
        let now = self.core.clock.now();
        // Whoever changes the log from here on finds it among the parked, and has it go on.
        let is_parked = flow.with_log(|log| {
            if log.state.cancel.is_some() {
                return Ok(false);
            }
            // It may sleep for longer than anybody else knows what it did.
            let replies = flow.inner.replies.take();
            log.append(&*self.core.journal, now, replies, vec![wake])?;
            self.parked.lock().insert(log.stream.clone());
            Ok::<_, AskFailure>(true)
        })?;
        if !is_parked {
            return Ok(false);
        }
        if running.end.receiver_count() > 0 {
            // Whoever joined it a moment ago has not seen that it is parked.
            running.go_on();
        }
        self.bell.ring();
        flow.settle().await.map(|()| true)
    }
}

enum Polled {
    Returned(Outcome),
    Sleeps(Timestamp),
    /// What it does follows from an epoch of the journal that is over.
    TakenBack,
}
