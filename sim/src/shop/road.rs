//! The way between the shop and its gateways: latency, faults, and the end of the power.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::Entropy;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use crate::lives::{FaultKind, Site, What};

/// The way to one kind of gateway, in one life.
#[derive(Clone)]
pub(super) struct Road {
    pub(super) site: Site,
    who: &'static str,
    draws: Arc<Mutex<Draws>>,
    latency_ms: LogNormal<f64>,
}

/// One generator for the latencies and one for each kind of fault, so that each is drawn as before
/// where another is left out.
struct Draws {
    latency: ChaCha8Rng,
    faults: BTreeMap<FaultKind, ChaCha8Rng>,
}

/// What goes wrong on the way.
const FAULTS: [FaultKind; 5] = [
    FaultKind::MessageDelay,
    FaultKind::GatewayBusy,
    FaultKind::GatewaySilent,
    FaultKind::GatewayUnknown,
    FaultKind::NoticeDoubled,
];

/// How a call goes.
enum Weather {
    Fair,
    Busy,
    /// No answer ever comes; whether the gateway acted.
    Silent(bool),
    LosesTheAnswer,
}

impl Weather {
    fn fault(&self) -> Option<FaultKind> {
        match self {
            Self::Fair => None,
            Self::Busy => Some(FaultKind::GatewayBusy),
            Self::Silent(_) => Some(FaultKind::GatewaySilent),
            Self::LosesTheAnswer => Some(FaultKind::GatewayUnknown),
        }
    }
}

/// Why a call has no answer.
pub(super) enum NoAnswer {
    /// The gateway did not act.
    Busy,
    /// It acted.
    Lost,
}

/// The longest that one call takes, faults aside.
const LATENCY_MS_MAX: f64 = 5_000.0;
/// How much longer a late one takes at most.
const DELAY: Duration = Duration::from_secs(8);

impl Road {
    pub(super) fn new(site: &Site, who: &'static str, median_ms: f64) -> Option<Self> {
        let label = format!("{who} in life {}", site.life);
        let entropy = Entropy::seeded(site.seed);
        let of_fault = |kind: FaultKind| (kind, entropy.fork(&format!("{label}: {}", kind.name())));
        let draws = Draws {
            latency: entropy.fork(&label),
            faults: FAULTS.into_iter().map(of_fault).collect(),
        };
        Some(Self {
            site: site.clone(),
            who,
            draws: Arc::new(Mutex::new(draws)),
            latency_ms: LogNormal::new(median_ms.ln(), 0.4).ok()?,
        })
    }

    fn draws(&self) -> MutexGuard<'_, Draws> {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something of a share happens now, with what is drawn where it does.
    pub(super) fn happens<T>(
        &self,
        kind: FaultKind,
        how: impl FnOnce(&mut ChaCha8Rng) -> T,
    ) -> Option<T> {
        let share = self.site.faults.share(kind, self.site.now());
        let mut draws = self.draws();
        let rng = draws.faults.get_mut(&kind)?;
        (share > 0.0 && rng.random_bool(share)).then(|| how(rng))
    }

    fn draw(&self) -> (Duration, Weather) {
        let ms = self.latency_ms.sample(&mut self.draws().latency);
        let mut latency = Duration::from_secs_f64(ms.min(LATENCY_MS_MAX) / 1_000.0);
        let late = self.happens(FaultKind::MessageDelay, |rng| DELAY.mul_f64(rng.random()));
        if let Some(late) = late {
            latency += late;
            self.struck(FaultKind::MessageDelay);
        }
        // Each is drawn whatever becomes of the others.
        let busy = self.happens(FaultKind::GatewayBusy, |_| Weather::Busy);
        let silent = self.happens(FaultKind::GatewaySilent, |rng| {
            Weather::Silent(rng.random())
        });
        let lost = self.happens(FaultKind::GatewayUnknown, |_| Weather::LosesTheAnswer);
        let weather = busy.or(silent).or(lost).unwrap_or(Weather::Fair);
        (latency, weather)
    }

    /// Takes a call there and back.
    pub(super) async fn call<T>(
        &self,
        what: &str,
        act: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let (latency, weather) = self.draw();
        tokio::time::sleep(latency / 2).await;
        // Whoever is without power calls nobody.
        self.site.power.through().await;
        if let Some(kind) = weather.fault() {
            self.struck(kind);
        }
        match weather {
            Weather::Busy => {
                self.saw(what, "busy");
                return Err(NoAnswer::Busy);
            }
            Weather::Silent(false) => {
                self.saw(what, "hangs");
                std::future::pending::<()>().await;
            }
            Weather::Fair | Weather::Silent(true) | Weather::LosesTheAnswer => {}
        }
        let answer = act.await;
        match weather {
            Weather::Silent(_) => {
                self.saw(what, "done, and hangs");
                std::future::pending::<()>().await;
            }
            Weather::LosesTheAnswer => self.saw(what, "done, and the answer is lost"),
            _ => self.saw(what, "answered"),
        }
        tokio::time::sleep(latency / 2).await;
        self.site.power.through().await;
        match weather {
            Weather::LosesTheAnswer => Err(NoAnswer::Lost),
            _ => Ok(answer),
        }
    }

    /// Something of the way took effect.
    pub(super) fn struck(&self, kind: FaultKind) {
        self.site.witness.struck(kind);
    }

    fn saw(&self, what: &str, how: &str) {
        let line = format!("{what}: {how}");
        self.site
            .witness
            .see(self.site.now(), What::Did(self.who, &line));
    }
}
