//! Commands that agents and flows send each other, and that are late.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::{DelayPoint, Entropy};
use rand::Rng;

use super::fault::FaultKind;
use super::scene::Site;
use super::witness::What;

/// How late a command is at most: later than most wait for its answer.
const DELAY_MAX: Duration = Duration::from_secs(8);

/// What a runtime asks of each command that is sent within it.
pub(super) fn delays(site: &Site) -> impl Fn(&DelayPoint) -> Duration + Send + Sync + 'static {
    let label = format!("{} in life {}", FaultKind::AgentDelay.name(), site.life);
    let draws = Mutex::new(Entropy::seeded(site.seed).fork(&label));
    let site = site.clone();
    move |point| {
        let now = site.now();
        let share = site.faults.share(FaultKind::AgentDelay, now);
        let mut draws = draws.lock().unwrap_or_else(PoisonError::into_inner);
        if share <= 0.0 || site.power.is_cut() || !draws.random_bool(share) {
            return Duration::ZERO;
        }
        // Short ones are as likely as long ones, so that some are overtaken and some run out.
        let late = DELAY_MAX.mul_f64(draws.random::<f64>().powi(3));
        let late = late.max(Duration::from_millis(1));
        let what = format!("{} to {} is {late:?} late", point.command, point.agent);
        let fault = What::Fault(FaultKind::AgentDelay, &what);
        site.witness.see(now, fault);
        site.witness.struck(FaultKind::AgentDelay);
        late
    }
}
