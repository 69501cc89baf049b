//! How often, and after what wait, a step is tried again.

use std::time::Duration;

/// Waits that double from one attempt to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) attempts_max: u32,
    pub(crate) initial: Duration,
    pub(crate) wait_max: Duration,
}

/// A flow whose function panicked, or that waits for the journal. How steps and calls to ports are
/// tried again is a matter of policy: see [`crate::policy`].
pub(crate) const STEP: Retry = Retry {
    attempts_max: 3,
    initial: Duration::from_millis(100),
    wait_max: Duration::from_secs(5),
};

/// An undo tries longer: giving up leaves work to people.
pub(crate) const UNDO: Retry = Retry {
    attempts_max: 8,
    initial: Duration::from_millis(100),
    wait_max: Duration::from_secs(10),
};

impl Retry {
    /// How long to wait after the attempt with this number, from 1; `None` where it was the last.
    pub(crate) fn wait_after(&self, attempt: u32) -> Option<Duration> {
        (attempt < self.attempts_max).then(|| {
            let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
            self.initial.saturating_mul(doubled).min(self.wait_max)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a wait too many or too few, one that does not grow, and one that grows beyond its bound.
    #[test]
    fn waits_double_up_to_the_bound_and_end() {
        let waits: Vec<_> = (1..)
            .map_while(|attempt| UNDO.wait_after(attempt))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400]);
        assert_eq!(STEP.wait_after(3), None);
    }
}
