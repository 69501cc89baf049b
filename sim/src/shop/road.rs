//! The way between the shop and its gateways: latency, faults, and the end of the power.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use crate::lives::{FaultKind, Site, What};

/// The way to one kind of gateway, in one life.
#[derive(Clone)]
pub(super) struct Road {
    pub(super) site: Site,
    who: &'static str,
    weather: Arc<Mutex<ChaCha8Rng>>,
    latency_ms: LogNormal<f64>,
}

/// How a call goes.
enum Weather {
    Fair,
    Busy,
    /// No answer ever comes; whether the gateway acted.
    Silent(bool),
    LosesTheAnswer,
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
        let weather = mercato_actors::runtime::Entropy::seeded(site.seed).fork(&label);
        Some(Self {
            site: site.clone(),
            who,
            weather: Arc::new(Mutex::new(weather)),
            latency_ms: LogNormal::new(median_ms.ln(), 0.4).ok()?,
        })
    }

    /// Draws whether something of a share happens now.
    pub(super) fn happens(&self, kind: FaultKind) -> bool {
        let share = self.site.faults.share(kind, self.site.now());
        share > 0.0 && self.rng(|rng| rng.random_bool(share))
    }

    pub(super) fn rng<T>(&self, draw: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        let mut rng = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        draw(&mut rng)
    }

    fn draw(&self) -> (Duration, Weather) {
        let ms = self
            .rng(|rng| self.latency_ms.sample(rng))
            .min(LATENCY_MS_MAX);
        let mut latency = Duration::from_secs_f64(ms / 1_000.0);
        if self.happens(FaultKind::MessageDelay) {
            latency += self.rng(|rng| DELAY.mul_f64(rng.random()));
        }
        let weather = if self.happens(FaultKind::GatewayBusy) {
            Weather::Busy
        } else if self.happens(FaultKind::GatewaySilent) {
            Weather::Silent(self.rng(Rng::random))
        } else if self.happens(FaultKind::GatewayUnknown) {
            Weather::LosesTheAnswer
        } else {
            Weather::Fair
        };
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

    fn saw(&self, what: &str, how: &str) {
        let line = format!("{what}: {how}");
        self.site
            .witness
            .see(self.site.now(), What::Did(self.who, &line));
    }
}
