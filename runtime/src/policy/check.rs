//! Policies are checked as a whole, and everything that is wrong is told at once.

use std::fmt;
use std::time::Duration;

use super::limits::{Backoff, BreakerSettings, CallRate, RetryBudgetSettings, WindowSize};
use super::rows::{Authentication, Fallback, NetworkTimeout, RateLimiting, ServiceUnavailable};
use super::settings::{Policies, Policy};

/// How many dependencies may have a policy of their own, agents and ports each.
const NAMED_MAX: usize = 1_000;
/// The longest name of a dependency, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// No time that is waited is shorter.
const SHORTEST: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `ports.payments.network_timeout.attempts_max`.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.path, self.found, self.mend)
    }
}

/// Settings that cannot be used, with everything that is wrong with them. What was in force stays
/// in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidPolicies {
    /// Never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for InvalidPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the policies have {} mistakes", self.problems.len())?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl Policies {
    /// Everything that is wrong with them, in the order of the file; empty where nothing is.
    ///
    /// ```
    /// use mercato_runtime::Policies;
    ///
    /// let mut policies = Policies::default();
    /// assert!(policies.problems().is_empty());
    /// policies.default.network_timeout.attempts_max = 0;
    /// policies.default.retry_budget.saved_max = 0;
    /// let problems = policies.problems();
    /// assert_eq!(problems.len(), 2);
    /// assert_eq!(
    ///     problems[0].to_string(),
    ///     "default.network_timeout.attempts_max is 0: choose 1 to 20"
    /// );
    /// ```
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut checks = Checks::default();
        checks.within("default", |checks| policy(checks, &self.default));
        for (kind, named) in [("agents", &self.agents), ("ports", &self.ports)] {
            if named.len() > NAMED_MAX {
                let mend = format!("name at most {NAMED_MAX} of them");
                checks.add(kind, &format_args!("{} names", named.len()), mend);
            }
            for (name, of_it) in named {
                let path = format!("{kind}.{name}");
                let plain =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
                if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
                    let mend = format!(
                        "use 1 to {NAME_BYTES_MAX} lower-case letters, digits, `-` and `_`; a port \
                         is named by what stands before the dot in its activities"
                    );
                    checks.add(kind, &format_args!("{name:?}"), mend);
                }
                checks.within(&path, |checks| policy(checks, of_it));
            }
        }
        checks.problems
    }
}

/// Gathers what is wrong, with the path to where it stands.
#[derive(Default)]
struct Checks {
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl Checks {
    fn within(&mut self, part: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(part.to_owned());
        check(self);
        self.path.pop();
    }

    fn add(&mut self, field: &str, found: &dyn fmt::Display, mend: impl Into<String>) {
        let mut path = self.path.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(field);
        self.problems.push(Problem {
            path,
            found: found.to_string(),
            mend: mend.into(),
        });
    }

    fn range(&mut self, field: &str, value: impl Into<u64>, min: u64, max: u64) {
        let value = value.into();
        if !(min..=max).contains(&value) {
            self.add(field, &value, format!("choose {min} to {max}"));
        }
    }

    fn time(&mut self, field: &str, value: Duration, min: Duration, max: Duration) {
        if !(min..=max).contains(&value) {
            self.add(
                field,
                &format_args!("{value:?}"),
                format!("choose {min:?} to {max:?}"),
            );
        }
    }

    fn fallbacks(&mut self, fallbacks: &[Fallback], allowed: &[Fallback]) {
        for (nth, fallback) in fallbacks.iter().enumerate() {
            let known = *fallback == Fallback::ErrorMessage || allowed.contains(fallback);
            let repeated = fallbacks[..nth].contains(fallback);
            if !known || repeated {
                let names: Vec<_> = allowed.iter().map(|it| it.name()).collect();
                let mend = format!(
                    "choose from `{}` and `error_message`, each once",
                    names.join("`, `")
                );
                self.add("fallbacks", &format_args!("`{}`", fallback.name()), mend);
            }
        }
    }
}

fn policy(checks: &mut Checks, policy: &Policy) {
    let Policy {
        attempt_timeout,
        call_budget,
        network_timeout,
        service_unavailable,
        rate_limiting,
        authentication,
        retry_budget,
    } = policy;
    checks.time("attempt_timeout", *attempt_timeout, SHORTEST, TEN_MINUTES);
    checks.time("call_budget", *call_budget, SHORTEST, HOUR);
    if attempt_timeout > call_budget {
        let mend = format!("choose at most call_budget, which is {call_budget:?}");
        checks.add(
            "attempt_timeout",
            &format_args!("{attempt_timeout:?}"),
            mend,
        );
    }
    checks.within("network_timeout", |checks| {
        let NetworkTimeout {
            attempts_max,
            backoff,
            fallbacks,
        } = network_timeout;
        attempts(checks, *attempts_max, *backoff, *call_budget);
        checks.fallbacks(
            fallbacks,
            &[Fallback::CachedResponse, Fallback::AlternativeService],
        );
    });
    checks.within("service_unavailable", |checks| {
        let ServiceUnavailable {
            attempts_max,
            backoff,
            breaker: of_breaker,
            fallbacks,
        } = service_unavailable;
        attempts(checks, *attempts_max, *backoff, *call_budget);
        checks.within("breaker", |checks| {
            breaker(checks, of_breaker, *attempt_timeout);
        });
        checks.fallbacks(
            fallbacks,
            &[Fallback::AlternativeService, Fallback::CachedResponse],
        );
    });
    checks.within("rate_limiting", |checks| {
        let RateLimiting {
            attempts_max,
            backoff,
            told_wait_max,
            limit,
            queue_calls_max,
            fallbacks,
        } = rate_limiting;
        attempts(checks, *attempts_max, *backoff, *call_budget);
        checks.time("told_wait_max", *told_wait_max, Duration::ZERO, HOUR);
        checks.range("queue_calls_max", *queue_calls_max, 1, 1_000_000);
        if let Some(limit) = limit {
            checks.within("limit", |checks| rate(checks, *limit));
        }
        let allowed = [
            Fallback::QueueRequest,
            Fallback::CachedResponse,
            Fallback::AlternativeService,
        ];
        checks.fallbacks(fallbacks, &allowed);
    });
    checks.within("authentication", |checks| {
        let Authentication {
            refreshes_max,
            fallbacks,
        } = authentication;
        checks.range("refreshes_max", *refreshes_max, 0, 3);
        checks.fallbacks(fallbacks, &[Fallback::ReAuthenticate]);
    });
    checks.within("retry_budget", |checks| {
        let RetryBudgetSettings {
            earned_percent,
            per_second,
            saved_max,
        } = retry_budget;
        checks.range("earned_percent", *earned_percent, 0, 1_000);
        checks.range("per_second", *per_second, 0, 10_000);
        checks.range("saved_max", *saved_max, 1, 100_000);
    });
}

/// Retries that can never come are a mistake of whoever wrote them.
fn attempts(checks: &mut Checks, attempts_max: u32, backoff: Backoff, call_budget: Duration) {
    checks.range("attempts_max", attempts_max, 1, 20);
    let before = checks.problems.len();
    checks.within("backoff", |checks| {
        checks.time("first", backoff.first, SHORTEST, TEN_MINUTES);
        checks.time("max", backoff.max, SHORTEST, TEN_MINUTES);
        if backoff.first > backoff.max {
            let mend = format!("choose at most max, which is {:?}", backoff.max);
            checks.add("first", &format_args!("{:?}", backoff.first), mend);
        }
        checks.range("growth_percent", backoff.growth_percent, 100, 1_000);
        checks.range("jitter_percent", backoff.jitter_percent, 0, 100);
    });
    let waits: Duration = (1..attempts_max.min(20)).map(|n| backoff.longest(n)).sum();
    if checks.problems.len() == before && waits >= call_budget {
        let mend = format!(
            "the waits between them can add up to {waits:?}, so the last one never comes within \
             call_budget, which is {call_budget:?}; choose fewer, shorter waits or a \
             larger budget"
        );
        checks.add("attempts_max", &attempts_max, mend);
    }
}

fn breaker(checks: &mut Checks, breaker: &BreakerSettings, attempt_timeout: Duration) {
    let BreakerSettings {
        window,
        calls_min,
        failure_rate_percent,
        slow_call,
        slow_rate_percent,
        open_first,
        open_max,
        probes_max,
    } = *breaker;
    match window {
        WindowSize::Calls(calls) => {
            checks.range("window.calls", calls, 1, 100_000);
            if calls_min > calls {
                let mend = format!("choose at most window.calls, which is {calls}");
                checks.add("calls_min", &calls_min, mend);
            }
        }
        WindowSize::Seconds(seconds) => checks.range("window.seconds", seconds, 1, 3_600),
    }
    checks.range("calls_min", calls_min, 1, 100_000);
    checks.range("failure_rate_percent", failure_rate_percent, 1, 100);
    checks.time("slow_call", slow_call, SHORTEST, TEN_MINUTES);
    if slow_call > attempt_timeout {
        let mend = format!(
            "no attempt takes longer than attempt_timeout, which is {attempt_timeout:?}; choose \
             at most that"
        );
        checks.add("slow_call", &format_args!("{slow_call:?}"), mend);
    }
    checks.range("slow_rate_percent", slow_rate_percent, 1, 100);
    checks.time("open_first", open_first, SHORTEST, HOUR);
    checks.time("open_max", open_max, SHORTEST, HOUR);
    if open_first > open_max {
        let mend = format!("choose at most open_max, which is {open_max:?}");
        checks.add("open_first", &format_args!("{open_first:?}"), mend);
    }
    checks.range("probes_max", probes_max, 1, 1_000);
}

fn rate(checks: &mut Checks, rate: CallRate) {
    checks.range("calls", rate.calls, 1, 1_000_000);
    checks.time("per", rate.per, SHORTEST, HOUR);
    checks.range("burst_calls", rate.burst_calls, 1, 1_000_000);
}
