//! What an operator does with triggers: looks at them, and deals with what they set aside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mercato_persistence::Position;

use super::Trigger;
use super::rule::Rule;
use crate::bus::{BusError, DeadLetter, EventPlace, Ledger, Letters};
use crate::core::Core;
use crate::error::AskFailure;
use crate::flow::Orchestrator;
use crate::folded::Made;

/// The triggers of one runtime. Cheap to clone.
///
/// Events that a trigger set aside are *dead letters*. They are places, not copies: the journal has
/// the events, and [`Bus::event`](crate::Bus::event) gives them. What follows from one carries ids
/// made of its place, so a redelivery has only those effects that it has not had.
#[derive(Clone)]
pub struct Triggers {
    rules: Arc<[Arc<Rule>]>,
}

/// How one trigger is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TriggerStats {
    /// Its name.
    pub name: &'static str,
    /// Whether it goes on.
    pub state: TriggerState,
    /// Up to here everything is dealt with, or stands aside.
    pub cursor: Position,
    /// How many durable records lie behind the cursor.
    pub lag: u64,
    /// How many events it set aside since the start.
    pub set_aside: u64,
    /// How many stand aside now.
    pub dead_letters: usize,
}

/// Whether a trigger goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TriggerState {
    /// It follows the journal.
    Following,
    /// It waits at an event, and tries again.
    Blocked {
        /// The event.
        place: EventPlace,
        /// How often it was tried here.
        attempts: u32,
        /// Why it failed the last time.
        reason: Box<str>,
    },
    /// It goes on after the next start.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What came of dead letters that were delivered once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivered {
    /// What followed from these is recorded; they stand aside no longer.
    pub dealt_with: usize,
    /// These failed again, and stand aside as before.
    pub failed: usize,
}

/// What could not be done with a trigger. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// There is no such trigger.
    #[error("this runtime has no trigger `{name}`; see `Triggers::stats`")]
    Unknown {
        /// The name.
        name: Box<str>,
    },
    /// Nothing like that stands aside.
    #[error("no event at {place} stands aside; see `Triggers::dead_letters`")]
    NoDeadLetter {
        /// Where it was looked for.
        place: EventPlace,
    },
    /// The trigger waits at no event.
    #[error("the trigger `{name}` waits at no event; see `Triggers::stats`")]
    NotBlocked {
        /// The trigger.
        name: &'static str,
    },
    /// The journal could not be read or written.
    #[error(transparent)]
    Failed(#[from] AskFailure),
}

impl Triggers {
    pub(crate) fn new(
        core: &Arc<Core>,
        orchestrator: &Orchestrator,
        triggers: Vec<Trigger>,
    ) -> Self {
        let rule = |trigger| Arc::new(Rule::new(core.clone(), orchestrator.clone(), trigger));
        Self {
            rules: triggers.into_iter().map(rule).collect(),
        }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter()
    }

    /// How each trigger is, in the order in which they were added.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn stats(&self) -> Result<Vec<TriggerStats>, TriggerError> {
        let stats = |rule: &Arc<Rule>| {
            let journal = &rule.core.journal;
            let cursor = journal.cursor(&rule.cursor_name());
            let letters = |ledger: &mut Ledger| Ok::<_, AskFailure>(ledger.letters());
            let letters = rule.with_ledger(journal.epoch(), letters)?;
            Ok(TriggerStats {
                name: rule.name(),
                state: rule.state.lock().clone(),
                cursor,
                lag: journal.durable().get().saturating_sub(cursor.get()),
                set_aside: rule.set_aside.get(),
                dead_letters: letters,
            })
        };
        self.rules.iter().map(stats).collect()
    }

    /// The events that a trigger set aside, in their order.
    ///
    /// # Errors
    /// When there is no such trigger, or the journal cannot be read.
    pub fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, TriggerError> {
        let rule = self.rule(name)?;
        let epoch = rule.core.journal.epoch();
        rule.with_ledger(epoch, |ledger| Ok(ledger.dead_letters()))
    }

    /// Delivers dead letters to their trigger once more, one after the other. Each is off the list
    /// when all that follows from it is recorded; where it fails again, it stays on it.
    ///
    /// # Errors
    /// When there is no such trigger or dead letter, or the journal could not be read or written.
    pub async fn redeliver(
        &self,
        name: &str,
        letters: Letters,
    ) -> Result<Redelivered, TriggerError> {
        let rule = self.rule(name)?;
        // Taken before anything is read.
        let epoch = rule.core.journal.epoch();
        let mut redelivered = Redelivered {
            dealt_with: 0,
            failed: 0,
        };
        for place in places(rule, epoch, letters)? {
            let record = rule.core.durable_record(place.position)?;
            let no_event = || AskFailure::storage(format_args!("there is no event at {place}"));
            let record = record.ok_or_else(no_event)?;
            match rule.deal_with(epoch, &record, place.index).await? {
                Ok(_) => {
                    rule.settle(epoch, vec![place], false)?;
                    redelivered.dealt_with += 1;
                }
                Err(failed) => {
                    rule.give_up(epoch, &record, place.index, &failed)?;
                    redelivered.failed += 1;
                }
            }
        }
        let made = rule.settle(epoch, Vec::new(), false)?;
        until_durable(rule, made).await?;
        Ok(redelivered)
    }

    /// Drops dead letters, and gives how many: nothing follows from them. The events stay in the
    /// journal.
    ///
    /// # Errors
    /// When there is no such trigger or dead letter, or the journal could not be written.
    pub async fn drop_dead_letters(
        &self,
        name: &str,
        letters: Letters,
    ) -> Result<usize, TriggerError> {
        let rule = self.rule(name)?;
        let epoch = rule.core.journal.epoch();
        let places = places(rule, epoch, letters)?;
        let many = places.len();
        let made = rule.settle(epoch, places, true)?;
        until_durable(rule, made).await?;
        Ok(many)
    }

    /// Has a trigger set the event aside at which it waits, and go on.
    ///
    /// # Errors
    /// When there is no such trigger, it waits at no event, or the journal's disk is away: when it is
    /// back the trigger begins anew at that event, and may be able to deal with it.
    pub fn set_aside(&self, name: &str) -> Result<(), TriggerError> {
        let rule = self.rule(name)?;
        if let Some(failed) = rule.core.journal.failure() {
            return Err(AskFailure::read_only(failed).into());
        }
        if !matches!(*rule.state.lock(), TriggerState::Blocked { .. }) {
            return Err(TriggerError::NotBlocked { name: rule.name() });
        }
        rule.give_up.store(true, Ordering::Release);
        rule.changed.notify_one();
        Ok(())
    }

    /// How many events were set aside since the start.
    pub(crate) fn set_aside_so_far(&self) -> u64 {
        self.rules.iter().map(|rule| rule.set_aside.get()).sum()
    }

    pub(crate) fn stopped(&self) -> Vec<&'static str> {
        self.in_state(|state| matches!(state, TriggerState::Stopped { .. }))
    }

    pub(crate) fn blocked(&self) -> Vec<&'static str> {
        self.in_state(|state| matches!(state, TriggerState::Blocked { .. }))
    }

    fn in_state(&self, is_in: impl Fn(&TriggerState) -> bool) -> Vec<&'static str> {
        let rules = self.rules.iter().filter(|rule| is_in(&rule.state.lock()));
        rules.map(|rule| rule.name()).collect()
    }

    fn rule(&self, name: &str) -> Result<&Arc<Rule>, TriggerError> {
        let found = self.rules.iter().find(|rule| rule.name() == name);
        found.ok_or_else(|| TriggerError::Unknown { name: name.into() })
    }
}

impl fmt::Debug for Triggers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rules.iter().map(|rule| rule.name());
        f.debug_list().entries(names).finish()
    }
}

fn places(rule: &Rule, epoch: u64, letters: Letters) -> Result<Vec<EventPlace>, TriggerError> {
    let places = rule.with_ledger(epoch, |ledger| Ok::<_, AskFailure>(letters.of(ledger)))?;
    places.map_err(|error| match error {
        BusError::NoDeadLetter { place } => TriggerError::NoDeadLetter { place },
        BusError::Failed(failure) => failure.into(),
        other => AskFailure::storage(other).into(),
    })
}

async fn until_durable(rule: &Rule, made: Made) -> Result<(), TriggerError> {
    let journal = &rule.core.journal;
    let durable = journal.until_durable_in(made.epoch, made.position).await;
    durable.map_err(|failed| AskFailure::read_only(failed).into())
}
