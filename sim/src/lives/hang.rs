//! Shards that stop making progress, and must be replaced.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_actors::runtime::StallPoint;

use super::fault::FaultKind;
use super::scene::Site;
use super::witness::What;

/// What breaks where a shard that hangs is left to.
const REPLACED: &str = "a shard that hangs is replaced in time";
/// How much later than its bound a shard may be replaced. Only a clock that jumps takes time, and what it
/// jumps over counts for nothing: whoever is to see the shard has not lived through it.
const LATE_MAX: Duration = Duration::from_secs(10);

/// The shards that are to hang with their next message. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Hangs(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    armed: BTreeSet<(&'static str, usize)>,
    /// The time that the clock has jumped over in this life.
    jumped: Duration,
}

impl Hangs {
    pub(super) fn arm(&self, agent: &'static str, shard: usize) {
        self.known().armed.insert((agent, shard));
    }

    /// The clock is about to jump over so much time.
    pub(super) fn jump(&self, over: Duration) {
        self.known().jumped += over;
    }

    fn take(&self, point: &StallPoint) -> bool {
        self.known().armed.remove(&(point.agent, point.shard))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a runtime asks before each message of each shard. One that hangs counts as hung after
    /// `bound`.
    pub(super) fn hook(
        &self,
        site: &Site,
        bound: Duration,
    ) -> impl Fn(&StallPoint) -> Option<BoxFuture<'static, ()>> + Send + Sync + 'static {
        let (hangs, site) = (self.clone(), site.clone());
        move |point| {
            if site.power.is_cut() || !hangs.take(point) {
                return None;
            }
            let shard = format!("{}/{}", point.agent, point.shard);
            let hung = Hung::begin(&hangs, shard, &site, bound);
            let for_ever = async move {
                let _hung = hung;
                std::future::pending::<()>().await;
            };
            Some(for_ever.boxed())
        }
    }
}

/// A shard that hangs. It is dropped with the incarnation, which is when it was replaced.
struct Hung {
    shard: String,
    site: Site,
    hangs: Hangs,
    since: Duration,
    /// What the clock had jumped over by then.
    jumped: Duration,
    bound: Duration,
}

impl Hung {
    fn begin(hangs: &Hangs, shard: String, site: &Site, bound: Duration) -> Self {
        let since = site.now();
        let what = format!("{shard} hangs");
        site.witness
            .see(since, What::Fault(FaultKind::HangShard, &what));
        site.witness.struck(FaultKind::HangShard);
        Self {
            shard,
            site: site.clone(),
            hangs: hangs.clone(),
            since,
            jumped: hangs.known().jumped,
            bound,
        }
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // Nobody replaces it in the dark, and the clock is gone then.
        if self.site.power.is_cut() {
            return;
        }
        let now = self.site.now();
        let jumped = self.hangs.known().jumped - self.jumped;
        let hung = now.saturating_sub(self.since + jumped);
        let in_time = hung <= self.bound + LATE_MAX;
        self.site.witness.must(REPLACED, in_time, || {
            format!(
                "{} hung for {hung:?}, and {:?} is the bound",
                self.shard, self.bound
            )
        });
        let what = format!("{} is given up", self.shard);
        self.site.witness.see(now, What::Mended(&what));
    }
}

#[cfg(test)]
mod tests {
    use mercato_actors::runtime::{Clock, Timestamp};

    use super::super::power::Power;
    use super::super::witness::Witness;
    use super::*;

    /// Catches: a shard that is left to hang, and one that is held to have hung for as long as the clock
    /// jumped.
    #[tokio::test(start_paused = true)]
    async fn a_shard_hangs_for_as_long_as_somebody_lived_through_it() {
        let broken = async |jumped: u64, passed: u64| {
            let began = Timestamp::from_millis(0);
            let site = Site {
                clock: Clock::starting_at(began),
                power: Power::default(),
                witness: Witness::new(Vec::new(), 0),
                began,
                life: 1,
                seed: 1,
                faults: Arc::default(),
                cut_operation: None,
            };
            let hangs = Hangs::default();
            hangs.jump(Duration::from_secs(40));
            let hung = Hung::begin(&hangs, "order/0".into(), &site, Duration::from_secs(3));
            for _ in 0..2 {
                let over = Duration::from_secs(jumped);
                hangs.jump(over);
                tokio::time::advance(over).await;
            }
            tokio::time::advance(Duration::from_secs(passed)).await;
            drop(hung);
            site.witness.is_broken()
        };
        for (jumped, passed, is_broken) in [
            (0, 13, false),
            (0, 14, true),
            (40, 13, false),
            (40, 14, true),
        ] {
            assert_eq!(broken(jumped, passed).await, is_broken, "{jumped} {passed}");
        }
    }
}
