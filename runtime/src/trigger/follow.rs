//! The task of one trigger: from the journal through the rule to the cursor.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::join_all;
use mercato_persistence::{Position, Recorded};
use tokio::sync::watch;

use super::TRIGGER;
use super::desk::TriggerState;
use super::rule::{Dealt, FIRST_WAIT, Failed, Rule, place_of, wait_after};
use crate::error::AskFailure;

/// An event: its append, and its place in it.
type Indexed<'a> = (&'a Recorded, u32);

/// How many appends one step of a trigger takes from the journal.
const BATCH: usize = 128;

/// Follows the journal for one trigger until the runtime stops.
pub(crate) async fn follow(rule: Arc<Rule>, mut stopping: watch::Receiver<bool>) {
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => {}
        ended = AssertUnwindSafe(rule.run()).catch_unwind() => {
            let reason = match ended {
                Ok(Ok(never)) => match never {},
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => "its task panicked".to_owned(),
            };
            let trigger = rule.name();
            tracing::error!(trigger, reason, "a trigger stopped; it goes on after the next start");
            *rule.state.lock() = TriggerState::Stopped { reason };
        }
    }
}

impl Rule {
    /// Never ends but by a failure. While the journal's disk is away it waits, and then goes on
    /// from where its cursor is durable.
    async fn run(&self) -> Result<Infallible, AskFailure> {
        let mut told_at = None;
        loop {
            // Taken before the cursor is read: what came of the events before it may be lost from
            // the moment that this epoch is over.
            let epoch = self.core.journal.epoch();
            let failure = match self.follow(epoch).await {
                Ok(never) => match never {},
                Err(failure) => failure,
            };
            // It begins anew: no wish counts that was for what it waited at.
            self.goes_on();
            if failure.is_transient() {
                // The journal is behind. The events come again, and what followed from them is done.
                // It may be behind for long: that is told once at each place, not at each try.
                let place = self.core.journal.cursor(&self.cursor_name());
                if told_at.replace(place) != Some(place) {
                    tracing::warn!(trigger = self.name(), %failure, "a trigger waits for the journal");
                }
                self.core.journal.room().await;
                tokio::time::sleep(FIRST_WAIT).await;
                continue;
            }
            let is_away = matches!(failure, AskFailure::ReadOnly { .. });
            if !is_away && !self.core.went_back(epoch) {
                return Err(failure);
            }
            let back = self.core.journal.until_writable().await;
            back.map_err(AskFailure::read_only)?;
            // A flow may still be about to see that it was taken back, and refuse until then.
            tokio::time::sleep(FIRST_WAIT).await;
        }
    }

    /// It waits at no event, so that nobody's wish to set one aside is left.
    fn goes_on(&self) {
        *self.state.lock() = TriggerState::Following;
        self.takes_give_up();
    }

    /// The name of its cursor.
    pub(crate) fn cursor_name(&self) -> String {
        format!("{TRIGGER}/{}", self.name())
    }

    async fn follow(&self, epoch: u64) -> Result<Infallible, AskFailure> {
        let journal = &self.core.journal;
        let cursor_name = self.cursor_name();
        let mut cursor = journal.cursor(&cursor_name);
        loop {
            let records = journal
                .read(cursor, BATCH)
                .map_err(AskFailure::unreadable)?;
            let Some(last) = records.last() else {
                // The gate wakes its waiters in the order in which they came, so that triggers
                // follow an event in the same order in every run of a seed.
                let next = journal.until_durable_in(epoch, cursor.next()).await;
                next.map_err(AskFailure::read_only)?;
                continue;
            };
            let last = last.position;
            #[cfg(feature = "planted-bugs")]
            if self.core.planted == Some(crate::planted::PlantedBug::CursorEarly) {
                let early = journal.set_cursor_in(epoch, &cursor_name, last, Position::START);
                early.map_err(AskFailure::read_only)?;
                // What it read is on its way to somebody else, who takes a moment to act on it.
                tokio::time::sleep(FIRST_WAIT).await;
            }
            if !records.iter().any(|it| self.concerns(it)) {
                let passed = journal.pass_cursor_in(epoch, &cursor_name, last);
                passed.map_err(AskFailure::read_only)?;
                cursor = last;
                continue;
            }
            let made = if self.trigger.in_order {
                self.one_by_one(epoch, &records).await?
            } else {
                self.side_by_side(epoch, &records).await?
            };
            let moved = if made == Position::START {
                // Nothing followed from them, and a crash costs another look at them.
                journal.pass_cursor_in(epoch, &cursor_name, last)
            } else {
                journal.set_cursor_in(epoch, &cursor_name, last, made)
            };
            moved.map_err(AskFailure::read_only)?;
            cursor = last;
        }
    }

    /// Starts everything that follows from these records, in their order, and waits until all of
    /// it is recorded, or stands aside. Gives the last position that it made.
    async fn side_by_side(
        &self,
        epoch: u64,
        records: &[Arc<Recorded>],
    ) -> Result<Position, AskFailure> {
        let (events, mut last) = self.events(epoch, records)?;
        // Polled in order, so commands to one shard arrive in the order of their events.
        let dealt = events
            .iter()
            .map(|(recorded, index)| self.deal_with(epoch, recorded, *index));
        let dealt: Vec<Dealt> = join_all(dealt).await;
        for ((recorded, index), dealt) in events.into_iter().zip(dealt) {
            let made = match dealt? {
                Ok(made) => made,
                Err(failed) => self.go_on(epoch, recorded, index, failed).await?,
            };
            last = last.max(made);
        }
        Ok(last)
    }

    /// The same, with nothing that overtakes.
    async fn one_by_one(
        &self,
        epoch: u64,
        records: &[Arc<Recorded>],
    ) -> Result<Position, AskFailure> {
        let (events, mut last) = self.events(epoch, records)?;
        let cursor_name = self.cursor_name();
        let mut dealt_with: Option<&Recorded> = None;
        for (recorded, index) in events {
            // What is behind it must not be dealt with again, however long it waits at the next.
            if let Some(before) = dealt_with.filter(|it| it.position < recorded.position) {
                let journal = &self.core.journal;
                journal
                    .set_cursor_in(epoch, &cursor_name, before.position, last)
                    .map_err(AskFailure::read_only)?;
            }
            let made = match self.deal_with(epoch, recorded, index).await? {
                Ok(made) => made,
                Err(failed) => self.go_on(epoch, recorded, index, failed).await?,
            };
            last = last.max(made);
            dealt_with = Some(recorded);
        }
        Ok(last)
    }

    /// The events that are to be dealt with, and what the cursor must not be durable before: those
    /// that stood aside already when a crash took the cursor back do so still.
    fn events<'a>(
        &self,
        epoch: u64,
        records: &'a [Arc<Recorded>],
    ) -> Result<(Vec<Indexed<'a>>, Position), AskFailure> {
        let first = records.first().map_or(Position::START, |it| it.position);
        let (aside, made) = self.with_ledger(epoch, |ledger| {
            let aside = ledger.letter_places().filter(|it| it.position >= first);
            Ok::<_, AskFailure>((aside.collect::<BTreeSet<_>>(), ledger.made()))
        })?;
        let of = |recorded: &'a Recorded| self.events_of(recorded).map(move |at| (recorded, at));
        let events = records.iter().flat_map(|recorded| of(recorded));
        let events = events.filter(|(recorded, at)| !aside.contains(&place_of(recorded, *at)));
        let last = if aside.is_empty() {
            Position::START
        } else {
            made.position
        };
        Ok((events.collect(), last))
    }

    /// Goes on after an event that could not be dealt with: sets it aside, or waits at it.
    async fn go_on(
        &self,
        epoch: u64,
        recorded: &Recorded,
        index: u32,
        mut failed: Failed,
    ) -> Result<Position, AskFailure> {
        let mut attempt = 1;
        loop {
            let changed = self.changed.notified();
            if !self.trigger.in_order || failed.is_refusal || self.takes_give_up() {
                let kept = self.give_up(epoch, recorded, index, &failed)?;
                if let Some(made) = kept {
                    self.goes_on();
                    return Ok(made);
                }
            }
            let place = place_of(recorded, index);
            tracing::warn!(trigger = self.name(), %place, attempt, "a trigger waits at an event");
            *self.state.lock() = TriggerState::Blocked {
                place,
                attempts: attempt,
                reason: failed.reason.clone(),
            };
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep(wait_after(attempt)) => {}
                // It can set nothing aside any more, and whoever wants that is to be heard.
                back = self.core.journal.until_writable_after(epoch) => {
                    back.map_err(AskFailure::read_only)?;
                    return Err(AskFailure::taken_back());
                }
            }
            attempt = attempt.saturating_add(1);
            match self.deal_with(epoch, recorded, index).await? {
                Ok(made) => {
                    self.goes_on();
                    return Ok(made);
                }
                Err(again) => failed = again,
            }
        }
    }
}
