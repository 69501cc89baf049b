//! How subscribers are, as values.

use std::time::Duration;

use mercato_persistence::Position;

use super::delivery::EventPlace;
use crate::clock::Timestamp;
use crate::stats::Counter;

/// Whether a subscriber follows the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriberState {
    /// It is attached and follows the journal.
    Following,
    /// It is attached, and the journal's disk is away: it goes on when that is back.
    WaitingForDisk,
    /// Nobody is attached.
    Detached,
    /// It cannot go on until it is attached again.
    Stopped {
        /// Why.
        reason: String,
    },
}

impl SubscriberState {
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Detached | Self::Stopped { .. })
    }
}

/// How one subscriber is. What is counted is counted since it was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// The subscription's name.
    pub name: Box<str>,
    /// Whether it follows the journal.
    pub state: SubscriberState,
    /// Up to here everything is settled.
    pub cursor: Position,
    /// How many durable records lie behind the cursor, those that its filters do not let pass
    /// included.
    pub lag: u64,
    /// How long the first of them has been there; zero where there is none.
    pub lag_age: Duration,
    /// How many deliveries are being handled.
    pub in_flight: usize,
    /// How many events are held in memory.
    pub held: usize,
    /// How many bytes they take, more or less.
    pub held_bytes: usize,
    /// How many events were handled.
    pub delivered: u64,
    /// How many attempts failed and were followed by another.
    pub retried: u64,
    /// How many events were set aside.
    pub dead_lettered: u64,
    /// How many events stand aside now.
    pub dead_letters: usize,
    /// The events that hold their keys up, in order.
    pub blocked: Vec<BlockedKey>,
}

/// An event that holds its key up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedKey {
    /// The event.
    pub place: EventPlace,
    /// The agent that recorded it.
    pub agent: Box<str>,
    /// The key that waits.
    pub key: Box<str>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed the last time.
    pub reason: Box<str>,
}

/// An event that was set aside. [`Bus::event`](crate::Bus::event) gives the event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event.
    pub place: EventPlace,
    /// The agent that recorded it.
    pub agent: Box<str>,
    /// The key of the entity that it happened to.
    pub key: Box<str>,
    /// The name under which it is stored.
    pub event: Box<str>,
    /// How often it was tried, the last time that it was set aside.
    pub attempts: u32,
    /// How often it was set aside.
    pub times: u32,
    /// Why it failed the last time.
    pub reason: Box<str>,
    /// When it was set aside the last time.
    pub set_aside_at: Timestamp,
}

/// What one subscriber counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) delivered: Counter,
    pub(super) retried: Counter,
    pub(super) dead_lettered: Counter,
}
