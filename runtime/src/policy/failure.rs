//! What went wrong, as a policy sees it: the box "Error Classification" of the error flow.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{AskError, AskFailure};
use crate::flow::{ActivityError, ActivityErrorKind};

/// What went wrong. The first five are the rows of the error table; the other two are what no
/// repetition helps against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// No answer in time, of a call that may be repeated.
    NetworkTimeout,
    /// It said that it cannot serve now, or could not be reached. Nothing happened.
    ServiceUnavailable,
    /// It refused, for good: the input is wrong, or what is asked for must not be.
    InvalidInput,
    /// It said that it is asked too often. Nothing happened.
    RateLimiting,
    /// It did not accept the credentials. Nothing happened.
    Authentication,
    /// Nobody knows whether it happened, and repeating it blindly could do it twice.
    UnknownOutcome,
    /// A defect, a quarantined command, damaged data, or a runtime that is going away.
    Fault,
}

/// What may be done about it: the three ways out of the box "Error Type?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It may pass by itself: retry with backoff.
    Transient,
    /// Nothing helps: return the error.
    Permanent,
    /// There is a known cure: attempt it.
    Recoverable,
}

impl FailureKind {
    /// All of them, in the order of the error table.
    pub const ALL: [Self; 7] = [
        Self::NetworkTimeout,
        Self::ServiceUnavailable,
        Self::InvalidInput,
        Self::RateLimiting,
        Self::Authentication,
        Self::UnknownOutcome,
        Self::Fault,
    ];

    /// What may be done about it.
    ///
    /// The cure of [`RateLimiting`](Self::RateLimiting) is to wait as told, that of
    /// [`Authentication`](Self::Authentication) a new token. That of
    /// [`UnknownOutcome`](Self::UnknownOutcome) is known to the caller alone, who asks the
    /// dependency what became of the call.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::NetworkTimeout | Self::ServiceUnavailable => Class::Transient,
            Self::RateLimiting | Self::Authentication | Self::UnknownOutcome => Class::Recoverable,
            Self::InvalidInput | Self::Fault => Class::Permanent,
        }
    }

    /// The name in logs, metrics and settings: `network_timeout`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkTimeout => "network_timeout",
            Self::ServiceUnavailable => "service_unavailable",
            Self::InvalidInput => "invalid_input",
            Self::RateLimiting => "rate_limiting",
            Self::Authentication => "authentication",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Fault => "fault",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error that a policy can classify. Only what this trait tells goes into logs and metrics: the
/// error's own text may name a person.
pub trait Failure {
    /// What went wrong.
    fn kind(&self) -> FailureKind;

    /// How long the dependency asked to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

impl Failure for AskFailure {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Overloaded { .. } => FailureKind::RateLimiting,
            // A command that comes again under its id gets its first reply, so it may be repeated.
            Self::DeadlineExceeded => FailureKind::NetworkTimeout,
            Self::IdReused | Self::Invalid { .. } => FailureKind::InvalidInput,
            _ => FailureKind::Fault,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl<R: Error> Failure for AskError<R> {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Rejected(_) => FailureKind::InvalidInput,
            Self::Failed(failure) => failure.kind(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.failure().and_then(Failure::retry_after)
    }
}

impl Failure for ActivityError {
    fn kind(&self) -> FailureKind {
        match self.kind {
            ActivityErrorKind::Transient => FailureKind::ServiceUnavailable,
            ActivityErrorKind::Permanent => FailureKind::InvalidInput,
            ActivityErrorKind::Unknown => FailureKind::UnknownOutcome,
            ActivityErrorKind::RateLimited { .. } => FailureKind::RateLimiting,
            ActivityErrorKind::Unauthenticated => FailureKind::Authentication,
            ActivityErrorKind::TimedOut => FailureKind::NetworkTimeout,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ActivityErrorKind::RateLimited { retry_after_ms } => {
                Some(Duration::from_millis(retry_after_ms))
            }
            _ => None,
        }
    }
}
