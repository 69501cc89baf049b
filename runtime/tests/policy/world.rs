//! A dependency that answers by a script, and a look at everything that the policy does about it.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::{
    Answer, Attempt, CallError, Clock, Dependency, Entropy, Failure, FailureKind, Guard, Guards,
    Monitor, Notice, Policies, PolicyBook, Repeat, Request, Timestamp,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

pub(crate) const RATES: Dependency = Dependency::Port("rates");

/// One answer of the dependency.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Answer(&'static str),
    Fail(FailureKind),
    /// It is asked too often, and says for how many milliseconds it wants to be left alone.
    Told(u64),
    Hang,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, says Mrs Miller of 7 Mill Lane")]
pub(crate) struct PortError {
    pub(crate) kind: FailureKind,
    pub(crate) retry_after: Option<Duration>,
}

impl Failure for PortError {
    fn kind(&self) -> FailureKind {
        self.kind
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

pub(crate) type Outcome = Result<Answer<&'static str>, CallError<PortError>>;

/// What a test looks at.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) guards: Guards,
    pub(crate) notices: Arc<Notices>,
    script: Mutex<VecDeque<Step>>,
    /// When each attempt began, and the token that it showed.
    attempts: Mutex<Vec<(u64, Option<String>)>>,
    log: Arc<Log>,
    _logging: tracing::subscriber::DefaultGuard,
}

/// The error table, with nothing left to chance.
pub(crate) fn even() -> Policies {
    let mut policies = Policies::default();
    let policy = &mut policies.default;
    for backoff in [
        &mut policy.network_timeout.backoff,
        &mut policy.service_unavailable.backoff,
        &mut policy.rate_limiting.backoff,
    ] {
        backoff.jitter_percent = 0;
    }
    policies
}

impl World {
    pub(crate) fn new(policies: Policies, script: impl IntoIterator<Item = Step>) -> Self {
        let clock = Clock::starting_at(Timestamp::from_millis(1_000_000));
        let book = Arc::new(PolicyBook::new(policies).expect("valid policies"));
        let notices = Arc::new(Notices::default());
        let guards = Guards::new(book, clock, Arc::new(Entropy::seeded(7)));
        let log = Arc::new(Log::default());
        Self {
            clock,
            guards: guards.told_to(notices.clone()),
            notices,
            script: Mutex::new(script.into_iter().collect()),
            attempts: Mutex::default(),
            _logging: tracing::subscriber::set_default(Logging(log.clone())),
            log,
        }
    }

    pub(crate) fn guard(&self) -> Arc<Guard> {
        self.guards.of(RATES)
    }

    pub(crate) fn request(&self) -> Request<'_, &'static str, PortError> {
        self.request_within(Duration::from_secs(50))
    }

    pub(crate) fn request_within(&self, budget: Duration) -> Request<'_, &'static str, PortError> {
        Request::new(Repeat::Safe, self.clock.now().plus(budget))
    }

    pub(crate) async fn call(&self, request: Request<'_, &'static str, PortError>) -> Outcome {
        self.guard()
            .call(request, |attempt| self.answer(attempt))
            .await
    }

    pub(crate) async fn answer(&self, attempt: Attempt) -> Result<&'static str, PortError> {
        let token = attempt.token.map(|token| token.expose().to_owned());
        self.attempts
            .lock()
            .expect("a lock")
            .push((self.now(), token));
        let step = self.script.lock().expect("a lock").pop_front();
        let fail = |kind, retry_after| Err(PortError { kind, retry_after });
        match step.expect("another answer in the script") {
            Step::Answer(answer) => Ok(answer),
            Step::Fail(kind) => fail(kind, None),
            Step::Told(ms) => fail(FailureKind::RateLimiting, Some(Duration::from_millis(ms))),
            Step::Hang => std::future::pending().await,
        }
    }

    /// Milliseconds since the test began.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().as_millis() - 1_000_000
    }

    /// When each attempt began.
    pub(crate) fn attempts(&self) -> Vec<u64> {
        let attempts = self.attempts.lock().expect("a lock");
        attempts.iter().map(|(at, _)| *at).collect()
    }

    /// The tokens that were shown.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let attempts = self.attempts.lock().expect("a lock");
        attempts
            .iter()
            .filter_map(|(_, token)| token.clone())
            .collect()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lines.lock().expect("a lock").clone()
    }
}

/// Everything that monitoring was told.
#[derive(Default)]
pub(crate) struct Notices(Mutex<Vec<Notice>>);

impl Notices {
    pub(crate) fn all(&self) -> Vec<Notice> {
        self.0.lock().expect("a lock").clone()
    }
}

impl Monitor for Notices {
    fn notify(&self, notice: &Notice) {
        self.0.lock().expect("a lock").push(*notice);
    }
}

/// The lines of the log from `INFO` up: level, message, and fields in their order.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
}

struct Logging(Arc<Log>);

impl Subscriber for Logging {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level();
        let line = format!("{level} {}{}", line.message, line.fields);
        self.0.lines.lock().expect("a lock").push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            write!(self.fields, " {}={value:?}", field.name()).expect("a string takes all");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.fields, " {}={value}", field.name()).expect("a string takes all");
    }
}
