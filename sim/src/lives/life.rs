//! One life: a runtime over the disk, until its power goes or everything is done.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::simulated_disk::Fault as DiskFault;
use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, OpenError, RedbJournal, Vault, WriterPlace,
};
use mercato_actors::runtime::{Clock, Entropy, Handle, Runtime, RuntimeBuilder, Timestamp};

use super::blame::{UNPROVOKED, makes_panic};
use super::delay;
use super::disk::PoweredDisk;
use super::fault::FaultKind;
use super::hang::Hangs;
use super::plan::{Cut, CutAt, WorldPlan};
use super::power::Power;
use super::scene::{Scene, Site};
use super::stage::Stage;
use super::strikes::{self, Target};
use super::witness::{What, Witness};
use crate::error::SimulationError;
use crate::options::Mode;

/// How often it is looked whether flows have ended; each wait is twice the one before.
const LOOK_FIRST: Duration = Duration::from_secs(5);
const LOOK_MAX: Duration = Duration::from_secs(3_600);
/// So many looks in a row must find no flow: what the last one's events start is on its way for a
/// moment before it counts as one.
const QUIET_LOOKS: u32 = 3;

/// What breaks where a shop does not stop when it is asked to.
pub(super) const STOPS: &str = "a shop stops in good order";

/// How a life ended.
pub(super) enum Ended {
    /// Its power went.
    Cut,
    /// Everybody has what they wanted. Whether all flows ended in time.
    Done { settled: bool },
    /// Its journal was refused as damaged.
    Damaged(String),
    /// It did not open, and should have.
    Closed(String),
}

/// What lives are lived in.
pub(super) struct Ground<'a> {
    pub(super) plan: &'a WorldPlan,
    pub(super) scene: &'a dyn Scene,
    pub(super) witness: &'a Witness,
    pub(super) vault: &'a Arc<Vault>,
    pub(super) began: Timestamp,
}

/// What is left of a life.
pub(super) struct Left {
    pub(super) ended: Ended,
    /// What its clock read in the end.
    pub(super) at: Timestamp,
    /// Whether its journal was opened.
    pub(super) opened: bool,
}

impl Ground<'_> {
    /// The site of a life that begins now.
    pub(super) fn site(&self, now: Timestamp, power: &Power, life: u32) -> Site {
        Site {
            clock: Clock::starting_at(now),
            power: power.clone(),
            witness: self.witness.clone(),
            began: self.began,
            life,
            seed: self.plan.seed,
            faults: Arc::new(self.plan.faults.clone()),
            cut_operation: None,
        }
    }

    pub(super) fn journal(
        &self,
        disk: &PoweredDisk,
        life: u32,
    ) -> Result<Result<Arc<RedbJournal>, OpenError>, SimulationError> {
        self.open(disk, life, self.scene.journal())
    }

    /// The journal as one opens it that looks at everything, whatever mistake the shop makes.
    pub(super) fn checked_journal(
        &self,
        disk: &PoweredDisk,
    ) -> Result<Result<Arc<RedbJournal>, OpenError>, SimulationError> {
        let options = JournalOptions {
            check_on_open: true,
            #[cfg(feature = "planted-bugs")]
            unchecked: false,
            ..self.scene.journal()
        };
        self.open(disk, 0, options)
    }

    fn open(
        &self,
        disk: &PoweredDisk,
        life: u32,
        options: JournalOptions,
    ) -> Result<Result<Arc<RedbJournal>, OpenError>, SimulationError> {
        let rng = Entropy::seeded(self.plan.seed).fork(&format!("disk in life {life}"));
        let pace = disk.pace(rng);
        let pace = pace.ok_or_else(|| std::io::Error::other("no disk times can be drawn"))?;
        let again = disk.clone();
        let journal = RedbJournal::with_disk(
            move || Ok(again.clone()),
            self.vault.clone(),
            options,
            WriterPlace::Task(Box::new(pace)),
        );
        Ok(journal.map(Arc::new))
    }

    pub(super) fn builder(&self, journal: Arc<dyn Journal>, site: &Site) -> RuntimeBuilder {
        Runtime::builder(journal)
            .clock(site.clock)
            .entropy(Entropy::seeded(self.plan.seed))
    }

    /// Lives one life. It is over with the future, and what is left of it is dropped with the tokio
    /// runtime around it.
    pub(super) async fn live(
        &self,
        now: Timestamp,
        disk: &PoweredDisk,
        power: &Power,
        cut: Option<&Cut>,
    ) -> Result<Left, SimulationError> {
        let life = self.witness.begin_life(power, now);
        let mut site = self.site(now, power, life);
        if let Some(CutAt::DiskOperation(nth)) = cut.map(|cut| cut.at) {
            let operation = disk.inner().operations() + nth;
            site.cut_operation = Some(operation);
            disk.inner().inject(DiskFault::PowerCutAt { operation });
        }
        let opened = Cell::new(false);
        let lived = self.lived(&site, disk, cut, &opened);
        let ended = tokio::select! {
            biased;
            () = power.until_cut() => Ended::Cut,
            ended = lived => ended?,
        };
        // What did not open because its power went has not failed.
        let ended = if power.is_cut() { Ended::Cut } else { ended };
        if let Ended::Cut = ended {
            let why = power.why().unwrap_or_default();
            self.witness.see(site.now(), What::Cut(&why));
        }
        Ok(Left {
            ended,
            at: site.clock.now(),
            opened: opened.get(),
        })
    }

    async fn lived(
        &self,
        site: &Site,
        disk: &PoweredDisk,
        cut: Option<&Cut>,
        opened: &Cell<bool>,
    ) -> Result<Ended, SimulationError> {
        let journal = match self.journal(disk, site.life)? {
            Ok(journal) => journal,
            Err(error @ OpenError::Damaged { .. }) => {
                return Ok(Ended::Damaged(error.to_string()));
            }
            Err(error) => return Ok(Ended::Closed(error.to_string())),
        };
        opened.set(true);
        let records = journal.durable().get();
        self.witness.see(site.now(), What::Opened(records));
        let builder = self.builder(journal.clone(), site);
        let hangs = Hangs::default();
        let builder = self.hooked(builder, site, cut, &hangs);
        let builder = self.scene.open(builder, site);
        let builder = builder.map_err(SimulationError::Scene)?;
        let runtime = match builder.start().await {
            Ok(runtime) => runtime,
            Err(error) => return Ok(Ended::Closed(error.to_string())),
        };
        let stage = Stage {
            site: site.clone(),
            handle: runtime.handle(),
        };
        let target = Target {
            scene: self.scene,
            stage: &stage,
            runtime: &runtime,
            disk,
            hangs: &hangs,
        };
        let striking = target.struck_by_the_clock();
        let cutting = async {
            match cut.map(|cut| cut.at) {
                Some(CutAt::Time(after)) => {
                    tokio::time::sleep(after).await;
                    site.power.cut("by the clock");
                }
                _ => std::future::pending().await,
            }
        };
        let settled = tokio::select! {
            biased;
            () = cutting => return Ok(Ended::Cut),
            settled = self.day(&stage) => settled,
            () = striking => false,
        };
        if settled {
            self.witness.see(site.now(), What::Settled);
        }
        // What strikes by the clock is over with the day, and a disk that failed comes back.
        strikes::heal(site, disk);
        let writable = journal.until_writable().await;
        drop(journal);
        self.nothing_panicked(&runtime, makes_panic(&self.plan.faults));
        let stopped = match writable {
            Ok(()) => runtime.stop().await.map_err(|error| error.to_string()),
            Err(failed) => Err(failed.to_string()),
        };
        self.witness
            .must(STOPS, stopped.is_ok(), || stopped.err().unwrap_or_default());
        Ok(Ended::Done { settled })
    }

    /// Whoever was replaced panicked, or hung.
    pub(super) fn nothing_panicked(&self, runtime: &Runtime, was_made_to: bool) {
        let stats = runtime.handle().stats();
        let replaced = stats.iter().filter(|agent| agent.restarts > 0);
        let replaced: Vec<&str> = replaced.map(|agent| agent.agent).collect();
        self.witness
            .must(UNPROVOKED, was_made_to || replaced.is_empty(), || {
                format!("shards of {} were replaced", replaced.join(", "))
            });
    }

    /// With what strikes from within the runtime. Nobody is asked about faults that the plan does not
    /// have.
    fn hooked(
        &self,
        builder: RuntimeBuilder,
        site: &Site,
        cut: Option<&Cut>,
        hangs: &Hangs,
    ) -> RuntimeBuilder {
        let mut builder = builder.fault_hook(strikes::at_moments(site, cut));
        let bound = self.scene.hung_after();
        if let Some(bound) = bound.filter(|_| site.faults.has(FaultKind::HangShard)) {
            builder = builder.stall_hook(hangs.hook(site, bound));
        }
        if site.faults.has(FaultKind::AgentDelay) {
            builder = builder.delay_hook(delay::delays(site));
        }
        builder
    }

    /// The outside's day, and what comes of it. Gives whether all flows ended in time.
    async fn day(&self, stage: &Stage) -> bool {
        let limit = self.plan.answered_within.saturating_sub(stage.now());
        let outside = self.scene.outside(stage);
        let done = tokio::time::timeout(limit, outside).await.is_ok();
        let open = self.witness.open();
        // On the machine's clock nobody waits for the last one.
        let must = self.plan.mode == Mode::Virtual;
        stage.must("every request is answered", done || !must, || {
            let some: Vec<&str> = open.iter().take(5).map(|key| &**key).collect();
            format!("{} wait still, among them {}", open.len(), some.join(", "))
        });
        done && self.settle(&stage.handle).await
    }

    async fn settle(&self, handle: &Handle) -> bool {
        let clock = handle.clock();
        let until = clock.now().plus(self.plan.settles_within);
        let mut wait = LOOK_FIRST;
        let (mut quiet, mut since) = (0, clock.now());
        while quiet < QUIET_LOOKS || clock.now().since(since) < self.scene.rests_at_most() {
            if clock.now() >= until {
                return false;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK_MAX);
            match handle.flow_stats().in_flight {
                0 => quiet += 1,
                _ => (quiet, since) = (0, clock.now()),
            }
        }
        true
    }
}
