//! What a call goes to.

use std::fmt;

/// What a policy stands in front of. Its name is a constant of the code, so that nobody from
/// outside can make the runtime keep more and more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// An agent, by its name: `inventory`.
    Agent(&'static str),
    /// Something outside, by the name of its port: `payments`.
    Port(&'static str),
}

impl Dependency {
    /// The port that an activity calls: what stands before the first dot of its name. All calls of
    /// one port share its breaker, budget and rate limit, because one service answers them.
    #[must_use]
    pub fn of_activity(activity: &'static str) -> Self {
        Self::Port(activity.split('.').next().unwrap_or(activity))
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "agent/{name}"),
            Self::Port(name) => write!(f, "port/{name}"),
        }
    }
}
