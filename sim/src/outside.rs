//! The outside world of a simulated shop: gateways with latency, and what they remember.
//!
//! It is not part of the shop. Where the shop has a store, the outside keeps its own file beside
//! it, so that it still knows what it did after the shop's process was killed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_actors::{
    Authorisation, AuthoriseRequest, InProcessCarrier, InProcessCompetitors, InProcessMail,
    InProcessPayments, InProcessProcurement, LabelEntry, LedgerOptions, MailEntry, Messengers,
    MovementRequest, PaymentEntry, PaymentError, PaymentId, PaymentRecord, Payments, PurchaseEntry,
    StatementLine, SupplierHabits, VoidOutcome,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use serde::{Deserialize, Serialize};

use crate::error::SimulationError;
use crate::observer::{append_to, read_json_lines, write_json_line};

/// The gateways of a simulation.
#[derive(Clone)]
pub struct Outside {
    /// Where the money is.
    pub payments: Arc<InProcessPayments>,
    /// What was posted.
    pub mail: Arc<InProcessMail>,
    /// What was sent by other channels. Nobody in a simulated day agrees to them, so no file keeps it.
    pub messengers: Messengers,
    /// What was labelled.
    pub carrier: Arc<InProcessCarrier>,
    /// What was ordered from suppliers.
    pub procurement: Arc<InProcessProcurement>,
    /// What competitors ask. It is seen anew each day, so no file keeps it.
    pub competitors: Arc<InProcessCompetitors>,
}

/// One thing that the outside did.
#[derive(Serialize, Deserialize)]
enum Entry {
    Payment(PaymentEntry),
    Mail(MailEntry),
    Label(LabelEntry),
    Purchase(PurchaseEntry),
}

impl Outside {
    /// The outside, with what it remembers from `file`.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn new(file: Option<&Path>, supplier: SupplierHabits) -> Result<Self, SimulationError> {
        let Some(path) = file else {
            return Ok(Self {
                payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
                mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
                messengers: Messengers::in_process(),
                carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
                procurement: Arc::new(InProcessProcurement::new(
                    supplier,
                    LedgerOptions::default(),
                )),
                competitors: Arc::new(InProcessCompetitors::new()),
            });
        };
        let (mut payments, mut mail) = (Vec::new(), Vec::new());
        let (mut labels, mut purchases) = (Vec::new(), Vec::new());
        for entry in read_json_lines(path)? {
            match entry {
                Entry::Payment(entry) => payments.push(entry),
                Entry::Mail(entry) => mail.push(entry),
                Entry::Label(entry) => labels.push(entry),
                Entry::Purchase(entry) => purchases.push(entry),
            }
        }
        let file = Arc::new(Mutex::new(append_to(path)?));
        let write = move |entry: &Entry| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(problem) = write_json_line(&mut file, entry) {
                tracing::error!(problem, "the outside's file cannot be written");
            }
        };
        let outside = Self {
            payments: Arc::new(InProcessPayments::new(options(&write, Entry::Payment))),
            mail: Arc::new(InProcessMail::new(options(&write, Entry::Mail))),
            messengers: Messengers::in_process(),
            carrier: Arc::new(InProcessCarrier::new(options(&write, Entry::Label))),
            procurement: Arc::new(InProcessProcurement::new(
                supplier,
                options(&write, Entry::Purchase),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let restored = outside
            .payments
            .restore(payments)
            .and_then(|()| outside.mail.restore(mail))
            .and_then(|()| outside.carrier.restore(labels))
            .and_then(|()| outside.procurement.restore(purchases));
        restored.map_err(|full| SimulationError::Beside {
            path: path.into(),
            problem: full.to_string(),
        })?;
        Ok(outside)
    }
}

fn options<E: Clone + 'static>(
    write: &(impl Fn(&Entry) + Clone + Send + 'static),
    entry: fn(E) -> Entry,
) -> LedgerOptions<E> {
    let write = write.clone();
    LedgerOptions {
        sink: Some(Box::new(move |e: &E| write(&entry(e.clone())))),
        ..LedgerOptions::default()
    }
}

/// A payment gateway that takes its time, is busy now and then, and sometimes loses its answer.
pub struct RemotePayments {
    gateway: Arc<InProcessPayments>,
    weather: Mutex<ChaCha8Rng>,
    latency_ms: LogNormal<f64>,
}

/// Of a thousand calls, so many find the gateway busy.
const BUSY_PER_MILLE: u32 = 10;
/// Of a thousand calls, the answer to so many is lost after the gateway acted.
const LOST_PER_MILLE: u32 = 5;

enum Weather {
    Fair,
    Busy,
    LosesTheAnswer,
}

impl RemotePayments {
    /// The gateway behind a network with the weather that this generator draws.
    #[must_use]
    pub fn new(gateway: Arc<InProcessPayments>, weather: ChaCha8Rng) -> Option<Self> {
        // The median is 120 ms: e^4.79.
        let latency_ms = LogNormal::new(4.79, 0.4).ok()?;
        Some(Self {
            gateway,
            weather: Mutex::new(weather),
            latency_ms,
        })
    }

    fn draw(&self) -> (Duration, Weather) {
        let mut rng = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = self.latency_ms.sample(&mut *rng).min(5_000.0);
        let weather = match rng.random_range(0..1_000) {
            n if n < BUSY_PER_MILLE => Weather::Busy,
            n if n < BUSY_PER_MILLE + LOST_PER_MILLE => Weather::LosesTheAnswer,
            _ => Weather::Fair,
        };
        (Duration::from_secs_f64(ms / 1_000.0), weather)
    }

    /// Takes a call through the weather, there and back.
    async fn call<T>(
        &self,
        act: impl Future<Output = Result<T, PaymentError>>,
    ) -> Result<T, PaymentError> {
        let (latency, weather) = self.draw();
        tokio::time::sleep(latency / 2).await;
        if let Weather::Busy = weather {
            return Err(PaymentError::Transient);
        }
        let answer = act.await;
        tokio::time::sleep(latency / 2).await;
        match weather {
            Weather::LosesTheAnswer => Err(PaymentError::Unknown),
            _ => answer,
        }
    }
}

impl Payments for RemotePayments {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        self.call(self.gateway.authorise(request)).boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        self.call(self.gateway.capture(key, request)).boxed()
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        self.call(self.gateway.void(key, payment)).boxed()
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        self.call(self.gateway.refund(key, request)).boxed()
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        self.call(self.gateway.lookup(payment)).boxed()
    }

    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>> {
        self.call(self.gateway.statement(after, limit)).boxed()
    }
}
