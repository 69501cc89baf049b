//! What a world is of: agents, those who use them, and what must hold.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, LocalBoxFuture};
use mercato_actors::runtime::persistence::{Journal, JournalOptions};
use mercato_actors::runtime::{Clock, Handle, RuntimeBuilder, Timestamp, WorkItem};

use super::fault::FaultPlan;
use super::plan::WorldPlan;
use super::power::Power;
use super::stage::Stage;
use super::witness::{Seen, Witness};
use crate::law::Verdict;

/// What one life is put together with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Site {
    /// The time of this life.
    pub clock: Clock,
    /// Its power.
    pub power: Power,
    /// What the outside saw so far.
    pub witness: Witness,
    /// When the world began.
    pub began: Timestamp,
    /// Which life it is, counted from 1.
    pub life: u32,
    /// The world's seed.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Arc<FaultPlan>,
    /// The operation of the disk at which this life's power is to go, if it is to go at one.
    pub(super) cut_operation: Option<u64>,
}

impl Site {
    /// The time, counted from the beginning of the world.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now().since(self.began)
    }
}

/// Agents, those who use them, and what must hold. It outlives the lives of its world.
pub trait Scene {
    /// Adds agents, flows and ports to the runtime of one life.
    ///
    /// # Errors
    /// Why it cannot, in words.
    fn open(&self, builder: RuntimeBuilder, site: &Site) -> Result<RuntimeBuilder, String>;

    /// The same for the last life, in which the laws ask and nothing else moves. Default: the same.
    ///
    /// # Errors
    /// Why it cannot, in words.
    fn open_for_questions(
        &self,
        builder: RuntimeBuilder,
        site: &Site,
    ) -> Result<RuntimeBuilder, String> {
        self.open(builder, site)
    }

    /// All that the outside does: scripts, run from their beginning in each life. It is over when
    /// everybody has what they wanted.
    fn outside<'a>(&'a self, stage: &'a Stage) -> LocalBoxFuture<'a, ()>;

    /// What must hold.
    fn laws(&self) -> Vec<Box<dyn Law>>;

    /// The agents whose shards are crashed. Default: none.
    fn agents(&self) -> &[&'static str] {
        &[]
    }

    /// After what time without progress a shard counts as hung: the
    /// [`ready_max`](mercato_actors::runtime::AgentOptions::ready_max) of its agents. Default: never, and
    /// no shard is made to hang.
    fn hung_after(&self) -> Option<Duration> {
        None
    }

    /// For how long no flow may be on its way while one is still to come by itself, as from a timer.
    /// Not before that has everything settled. Default: no time.
    fn rests_at_most(&self) -> Duration {
        Duration::ZERO
    }

    /// The limits of the journal. Default: its own.
    fn journal(&self) -> JournalOptions {
        JournalOptions::default()
    }

    /// Many ask for the same thing at once. Default: nobody does.
    fn press<'a>(&'a self, stage: &'a Stage) -> LocalBoxFuture<'a, ()> {
        let _ = stage;
        future::ready(()).boxed_local()
    }
}

/// What must hold whatever happens.
pub trait Law: Send {
    /// What must hold, as a sentence.
    fn name(&self) -> &'static str;

    /// Is shown everything that the outside sees, as it sees it.
    ///
    /// # Errors
    /// In words, what it saw that must not be. The world ends there.
    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let _ = seen;
        Ok(())
    }

    /// Judges at the end, over a runtime that was opened anew.
    fn judge<'a>(&'a mut self, end: &'a End<'a>) -> LocalBoxFuture<'a, Vec<Verdict>>;
}

/// The end of a world, to be judged.
#[non_exhaustive]
pub struct End<'a> {
    /// The runtime, opened anew.
    pub handle: Handle,
    /// Its journal.
    pub journal: &'a dyn Journal,
    /// What befell the world.
    pub plan: &'a WorldPlan,
    /// Whether every flow had ended before.
    pub settled: bool,
    /// Whether there was time enough for that.
    pub must_settle: bool,
    /// Flows that have neither ended nor stand on the work list.
    pub unfinished_flows: usize,
    /// What waits for a person.
    pub work_list: Vec<WorkItem>,
}

struct AtTheEnd<F> {
    name: &'static str,
    judge: F,
}

impl<F> Law for AtTheEnd<F>
where
    F: AsyncFnMut(&End<'_>, &mut Verdict) + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn judge<'a>(&'a mut self, end: &'a End<'a>) -> LocalBoxFuture<'a, Vec<Verdict>> {
        async move {
            let mut verdict = Verdict::new(self.name);
            (self.judge)(end, &mut verdict).await;
            vec![verdict]
        }
        .boxed_local()
    }
}

impl dyn Law {
    /// A law that is judged at the end alone.
    #[must_use]
    pub fn at_the_end<F>(name: &'static str, judge: F) -> Box<dyn Law>
    where
        F: AsyncFnMut(&End<'_>, &mut Verdict) + Send + 'static,
    {
        Box::new(AtTheEnd { name, judge })
    }
}
