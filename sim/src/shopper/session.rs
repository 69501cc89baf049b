//! What transactions cannot tell: how long a session lasts, and how long a shopper thinks.

use rand::Rng;
use rand::distr::Distribution;
use rand_distr::LogNormal;

use super::error::ShopperError;

/// The steps from anywhere to a paid order: product, cart, look at the cart, check out.
pub(super) const STEPS_TO_ORDER: u32 = 4;

/// The figures of sessions, from published click data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionFigures {
    /// Log-normal mu of the clicks beyond the first. Default 0.76: RetailRocket sessions (yoochoose
    /// 0.74). Rounded up, a session has at least 2 clicks; click data leave out shorter ones.
    pub clicks_mu: f64,
    /// Log-normal sigma of the clicks beyond the first. Default 0.84: the spread measured with that
    /// mu on the RetailRocket sessions, whose lengths stay within a Kolmogorov-Smirnov distance of
    /// 0.05. The mean is 4.6 clicks (yoochoose 4.2, bol.com sample 4.8, RetailRocket 5.4).
    pub clicks_sigma: f64,
    /// Log-normal mu of the seconds between two clicks. Default 3.95: a median of 52 s (RetailRocket,
    /// yoochoose and the bol.com sample lie at 50 to 56 s).
    pub think_mu: f64,
    /// Log-normal sigma of the seconds between two clicks. Default 1.55: nine of ten within 380 s
    /// (the same three: 299 to 398 s).
    pub think_sigma: f64,
    /// Longest thinking, in ms. Default 1,800,000: after half an hour without a click, click data
    /// count a new session.
    pub think_ms_max: u64,
    /// Most steps in a session, at least 6. Default 200.
    pub steps_max: u32,
}

impl Default for SessionFigures {
    fn default() -> Self {
        Self {
            clicks_mu: 0.76,
            clicks_sigma: 0.84,
            think_mu: 3.95,
            think_sigma: 1.55,
            think_ms_max: 1_800_000,
            steps_max: 200,
        }
    }
}

/// [`SessionFigures`], checked and ready to draw from.
#[derive(Clone, Copy, Debug)]
pub struct SessionModel {
    clicks: LogNormal<f64>,
    think_s: LogNormal<f64>,
    think_ms_max: u64,
    patience_max: u32,
}

impl SessionModel {
    /// Checks the figures.
    ///
    /// # Errors
    /// [`ShopperError::BadOption`] for a figure outside its range.
    pub fn new(figures: SessionFigures) -> Result<Self, ShopperError> {
        let patience_max = figures.steps_max.saturating_sub(STEPS_TO_ORDER);
        if patience_max < 2 {
            let value = figures.steps_max.to_string();
            return Err(ShopperError::BadOption {
                option: "steps_max",
                value,
                range: "at least 6",
            });
        }
        Ok(Self {
            clicks: log_normal("clicks", figures.clicks_mu, figures.clicks_sigma)?,
            think_s: log_normal("think", figures.think_mu, figures.think_sigma)?,
            think_ms_max: figures.think_ms_max,
            patience_max,
        })
    }

    /// How many clicks a shopper has in mind. Never so many that an order would not fit behind.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a log-normal is positive, and float to integer saturates"
    )]
    pub(super) fn patience(&self, rng: &mut impl Rng) -> u32 {
        let beyond_first = self.clicks.sample(rng).ceil() as u32;
        beyond_first.saturating_add(1).min(self.patience_max)
    }

    /// The time between two clicks, in ms.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a log-normal is positive, and float to integer saturates"
    )]
    pub(super) fn think_ms(&self, rng: &mut impl Rng) -> u64 {
        let ms = (self.think_s.sample(rng) * 1_000.0) as u64;
        ms.min(self.think_ms_max)
    }
}

fn log_normal(option: &'static str, mu: f64, sigma: f64) -> Result<LogNormal<f64>, ShopperError> {
    let finite = mu.is_finite() && sigma >= 0.0;
    finite
        .then(|| LogNormal::new(mu, sigma).ok())
        .flatten()
        .ok_or_else(|| ShopperError::BadOption {
            option,
            value: format!("log-normal with mu {mu} and sigma {sigma}"),
            range: "with a finite mu and a finite sigma of at least 0",
        })
}
