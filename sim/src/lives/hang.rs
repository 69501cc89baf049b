//! Shards that stop making progress, and must be replaced.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_actors::runtime::StallPoint;

use super::fault::FaultKind;
use super::scene::Site;
use super::witness::What;

/// What breaks where a shard that hangs is left to.
const REPLACED: &str = "a shard that hangs is replaced in time";
/// How much later than its bound a shard may be replaced. Nothing takes time but a clock that jumps over
/// the moment.
const LATE_MAX: Duration = Duration::from_secs(60);

/// The shards that are to hang with their next message. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Hangs(Arc<Mutex<BTreeSet<(&'static str, usize)>>>);

impl Hangs {
    pub(super) fn arm(&self, agent: &'static str, shard: usize) {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.insert((agent, shard));
    }

    fn take(&self, point: &StallPoint) -> bool {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.remove(&(point.agent, point.shard))
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
            let hung = Hung::begin(point, &site, bound);
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
    since: Duration,
    bound: Duration,
}

impl Hung {
    fn begin(point: &StallPoint, site: &Site, bound: Duration) -> Self {
        let shard = format!("{}/{}", point.agent, point.shard);
        let since = site.now();
        let what = format!("{shard} hangs");
        site.witness
            .see(since, What::Fault(FaultKind::HangShard, &what));
        site.witness.struck(FaultKind::HangShard);
        Self {
            shard,
            site: site.clone(),
            since,
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
        let hung = now.saturating_sub(self.since);
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
