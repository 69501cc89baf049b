//! Why a guarded call gave nothing.

use std::time::Duration;

use super::dependency::Dependency;
use super::failure::{Failure, FailureKind};
use super::token::CredentialsError;

/// Why a guarded call gave nothing: neither an answer nor a fallback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The dependency failed, in the end.
    #[error("{dependency} failed at attempt {attempts} ({kind}): {error}")]
    Failed {
        /// What was called.
        dependency: Dependency,
        /// How often.
        attempts: u32,
        /// What the last failure was.
        kind: FailureKind,
        /// The last failure itself.
        error: E,
    },
    /// No answer in time.
    #[error(
        "{dependency} did not answer in time ({attempts} attempts); {}",
        if *.may_have_happened {
            "it may have happened: ask what became of it before it is done again"
        } else {
            "try again"
        }
    )]
    TimedOut {
        /// What was called.
        dependency: Dependency,
        /// How often.
        attempts: u32,
        /// Whether the last attempt may have had its effect, in a call that must not be repeated.
        may_have_happened: bool,
    },
    /// The circuit breaker is open, and nothing was sent.
    #[error(
        "{dependency} is left alone, since too many calls to it failed; try again in {} ms",
        retry_after.as_millis()
    )]
    Open {
        /// What was to be called.
        dependency: Dependency,
        /// When a call may be let through.
        retry_after: Duration,
    },
    /// Too many calls wait for their turn, or this one would come after its deadline. Nothing was
    /// sent.
    #[error(
        "too many calls wait for {dependency}; try again in {} ms",
        retry_after.as_millis()
    )]
    Overloaded {
        /// What was to be called.
        dependency: Dependency,
        /// When there may be a turn in time.
        retry_after: Duration,
    },
    /// There is no token to call it with, and nothing was sent.
    #[error("there is no token for {dependency}: {error}")]
    Unauthenticated {
        /// What was to be called.
        dependency: Dependency,
        /// What the credentials were answered.
        error: CredentialsError,
    },
}

impl<E> CallError<E> {
    /// What went wrong, as a row of the error table.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Failed { kind, .. } => *kind,
            Self::TimedOut {
                may_have_happened: true,
                ..
            } => FailureKind::UnknownOutcome,
            Self::TimedOut { .. } => FailureKind::NetworkTimeout,
            Self::Open { .. } => FailureKind::ServiceUnavailable,
            Self::Overloaded { .. } => FailureKind::RateLimiting,
            Self::Unauthenticated { .. } => FailureKind::Authentication,
        }
    }

    /// What was called, or was to be.
    pub fn dependency(&self) -> Dependency {
        match self {
            Self::Failed { dependency, .. }
            | Self::TimedOut { dependency, .. }
            | Self::Open { dependency, .. }
            | Self::Overloaded { dependency, .. }
            | Self::Unauthenticated { dependency, .. } => *dependency,
        }
    }

    /// Whether the dependency was asked; where it was not, waiting inside this call is over too.
    pub(super) fn was_sent(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::TimedOut { .. })
    }
}

impl<E: Failure> Failure for CallError<E> {
    fn kind(&self) -> FailureKind {
        Self::kind(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed { error, .. } => error.retry_after(),
            Self::Open { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::TimedOut { .. } | Self::Unauthenticated { .. } => None,
        }
    }
}
