//! What a guarded call gives: the value, and where it comes from.

use std::time::Duration;

/// A value, labelled with where it comes from. A reader cannot take a stale one for a fresh one by
/// mistake: to reach the value it either asks or says that it does not mind.
///
/// ```
/// use std::time::Duration;
/// use mercato_runtime::Answer;
///
/// let rate = Answer::Stale { value: 1.17, age: Duration::from_secs(90) };
/// assert!(rate.is_stale());
/// assert_eq!(rate.map(|rate| rate * 100.0).into_value(), 117.0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// The dependency's own, now; or from a cache that holds it to be still true.
    Fresh(T),
    /// Another service's, in place of the dependency's.
    Alternative(T),
    /// What was answered before, for want of something better. It may be wrong by now.
    Stale {
        /// The value.
        value: T,
        /// How long ago it was answered.
        age: Duration,
    },
}

impl<T> Answer<T> {
    /// The value, wherever it comes from.
    pub fn value(&self) -> &T {
        match self {
            Self::Fresh(value) | Self::Alternative(value) | Self::Stale { value, .. } => value,
        }
    }

    /// The value, wherever it comes from.
    pub fn into_value(self) -> T {
        match self {
            Self::Fresh(value) | Self::Alternative(value) | Self::Stale { value, .. } => value,
        }
    }

    /// Whether it may be wrong by now.
    pub const fn is_stale(&self) -> bool {
        matches!(self, Self::Stale { .. })
    }

    /// The same label on what `make` makes of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Fresh(value) => Answer::Fresh(make(value)),
            Self::Alternative(value) => Answer::Alternative(make(value)),
            Self::Stale { value, age } => Answer::Stale {
                value: make(value),
                age,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: an answer that may be wrong by now and is taken for a fresh one, or a fresh one that is not.
    #[test]
    fn only_what_was_kept_is_stale() {
        let age = Duration::from_secs(90);
        let answers = [
            Answer::Fresh(1),
            Answer::Alternative(1),
            Answer::Stale { value: 1, age },
        ];
        let is_stale = [false, false, true];
        assert_eq!(answers.each_ref().map(Answer::is_stale), is_stale);
        let made = answers.map(|answer| answer.map(|value| value + 1));
        assert_eq!(made.each_ref().map(Answer::is_stale), is_stale);
        assert_eq!(made.map(Answer::into_value), [2; 3]);
    }
}
