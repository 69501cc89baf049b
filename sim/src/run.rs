//! A simulation from beginning to end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mercato_actors::runtime::persistence::{Backup, Position, RedbJournal};
use mercato_actors::runtime::{Caller, Entropy, FlowId, Handle, Runtime};
use mercato_actors::{AGENTS, RECONCILE, ReconcileRequest, Reconciliation};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::audit::audit;
use crate::crashes;
use crate::data::{Dataset, ReadLimits, read_transactions};
use crate::error::SimulationError;
use crate::laws::{self, Evidence};
use crate::merchant::Merchant;
use crate::observer::{Acknowledgement, Observer};
use crate::options::{Mode, SimulationOptions};
use crate::progress::Progress;
use crate::report::Report;
use crate::shopper::{
    Calibration, CalibrationOptions, CatalogueSampler, Population, SessionFigures, SessionModel,
    Walk, arrivals, default_personas,
};
use crate::stocking::{Range, count_shelves, stock_shelves};
use crate::targets::targets;
use crate::visit::{Stage, Visit, lock};
use crate::world::{LIVE_CHANGE_FOR, OpenShop, World};

/// Visits on their way at once; beyond it shoppers are turned away at the door.
const VISITS_AT_ONCE_MAX: usize = 100_000;
/// In virtual time, how long flows may take to end after the last visit: deliveries take days.
const SETTLE_VIRTUAL_MAX: Duration = Duration::from_secs(60 * 86_400);
/// On the machine's clock, how long is waited for checkouts and fulfilments after the last visit.
const SETTLE_LIVE_MAX: Duration = Duration::from_secs(5);
/// How often is looked whether something is on its way, and how many looks in a row find nothing before
/// everything has settled.
const LOOKS_VIRTUAL: (Duration, u32) = (Duration::from_secs(600), 3);
const LOOKS_LIVE: (Duration, u32) = (Duration::from_millis(100), 15);
// The last order's parcel is begun by a timer, of which no flow tells before.
const _: () = assert!(
    LOOKS_LIVE.0.as_millis() * (LOOKS_LIVE.1 as u128) > 2 * LIVE_CHANGE_FOR.as_millis(),
    "it is not looked for long enough to see what a timer begins"
);

/// Runs a simulation and reports what it found.
///
/// # Errors
/// When it could not be run. A broken law is a finding: see [`Report::laws_hold`].
pub fn simulate(
    options: &SimulationOptions,
    progress: &mut dyn Progress,
) -> Result<Report, SimulationError> {
    options.validate()?;
    let mut runtime = match options.mode {
        Mode::Live => tokio::runtime::Builder::new_multi_thread(),
        Mode::Virtual => tokio::runtime::Builder::new_current_thread(),
    };
    runtime
        .enable_time()
        .start_paused(options.mode == Mode::Virtual);
    let runtime = runtime.build()?;
    runtime.block_on(Box::pin(run(options, progress)))
}

async fn run(
    options: &SimulationOptions,
    progress: &mut dyn Progress,
) -> Result<Report, SimulationError> {
    progress.stage("reading transactions");
    let dataset = match &options.data {
        Some(path) => read_transactions(path, ReadLimits::default())?,
        None => Dataset::sample()?,
    };
    let calibration = Calibration::new(&dataset, CalibrationOptions::default())?;
    let range = Range::from(&dataset)?;
    let data = describe(options, &dataset);
    drop(dataset);

    progress.stage("opening the shop");
    let (world, journal) = World::new(options)?;
    let observer = Observer::new(world.acknowledgements().as_deref())?;
    let backup = backup_half_way(options, journal.clone());
    let shop = world.open(journal, &range).await?;
    stock_shelves(&shop.runtime.handle(), &range, &calibration, options.visits).await?;

    progress.stage("serving shoppers");
    let day = Day::new(options, &shop, &range, &calibration, observer)?;
    let merchant = day.merchant(&world, &range, options);
    let served = day.serve(&shop, options, progress);
    let (crashes, backup, merchant) = tokio::join!(served, backup, merchant.work());
    let (crashes, backup) = (crashes?, backup?);
    merchant?;

    progress.stage("settling");
    let handle = shop.runtime.handle();
    count_shelves(&handle, &range).await?;
    let settled = settle(&shop.runtime, options.mode).await;
    let reconciled = match settled && options.mode == Mode::Virtual {
        true => reconcile_the_day(&handle, shop.opened_at).await?,
        false => Vec::new(),
    };
    let agents = handle.stats();
    let flows = handle.flow_stats();
    let dead_letters = shop.runtime.health().dead_letters;
    let targets = targets(&shop.runtime.metrics());
    drop(handle);
    let observer = day.close()?;
    shop.runtime.stop().await?;
    drop(shop.journal);

    progress.stage("checking the laws");
    let reopened = world.reopen(&range).await?;
    let books = audit(&*reopened.journal)?;
    let work = reopened.runtime.work_list()?;
    let evidence = Evidence {
        books: &books,
        acknowledged: &observer.acknowledged,
        outside: &world.outside,
        unfinished_flows: reopened.runtime.unfinished_flows()?,
        must_settle: options.mode == Mode::Virtual,
        settled,
        reconciled: &reconciled,
        work_list: &laws::parts_of(&work),
        reopened: &reopened.runtime.handle(),
    };
    let laws = laws::check(&evidence).await;
    let work_items = work.len();
    reopened.runtime.stop().await?;

    Ok(Report {
        mode: options.mode,
        seed: options.seed,
        open_for: options.duration,
        data,
        products: range.skus.len(),
        currency: range.catalogue.currency().code().to_owned(),
        observer,
        agents,
        flows,
        crashes,
        backup,
        dead_letters,
        targets,
        work_items,
        business: books.business,
        prices: books.prices.changes,
        desk: books.desk.figures().clone(),
        laws,
    })
}

/// How long a page of the reconciliation may take.
const RECONCILE_PATIENCE: Duration = Duration::from_secs(600);

/// Runs the shop's own reconciliation, page after page.
async fn reconcile_the_day(
    handle: &Handle,
    opened_at: Position,
) -> Result<Vec<Reconciliation>, SimulationError> {
    let caller = Caller::system().within(RECONCILE_PATIENCE);
    let mut request = ReconcileRequest::default();
    let mut pages = Vec::new();
    loop {
        let id = FlowId::new(format!("after {opened_at}/{}", pages.len()));
        let page = handle.run(&caller, RECONCILE, id, request).await;
        let page = page.map_err(|error| std::io::Error::other(error.to_string()))?;
        let next = page.next.clone();
        pages.push(page);
        match next {
            Some(after) => request = ReconcileRequest { after: Some(after) },
            None => return Ok(pages),
        }
    }
}

/// Takes the backup that was asked for, at half past the day and while it goes on. It lets go of
/// the journal afterwards: the shop is opened anew over it.
async fn backup_half_way(
    options: &SimulationOptions,
    journal: Arc<RedbJournal>,
) -> Result<Option<Backup>, SimulationError> {
    let Some(to) = options.backup.clone() else {
        return Ok(None);
    };
    tokio::time::sleep(options.duration / 2).await;
    let taken = tokio::task::spawn_blocking(move || journal.backup(to)).await;
    Ok(Some(taken.map_err(std::io::Error::other)??))
}

/// A day of visits.
struct Day {
    stage: Stage,
    population: Population,
    sessions: SessionModel,
    arrivals_ms: Vec<u64>,
    returning_share: f64,
    rng: ChaCha8Rng,
    /// Draws what each visit draws from.
    visits: Entropy,
}

impl Day {
    fn new(
        options: &SimulationOptions,
        shop: &OpenShop,
        range: &Range,
        calibration: &Calibration,
        observer: Observer,
    ) -> Result<Self, SimulationError> {
        let run = shop.opened_at.get();
        // Another day over the same store draws other shoppers.
        let entropy = Entropy::seeded(options.seed.wrapping_add(run.wrapping_mul(0x9e37_79b9)));
        let visits = usize::try_from(options.visits).unwrap_or(usize::MAX);
        Ok(Self {
            stage: Stage {
                handle: shop.runtime.handle(),
                range: range.clone(),
                sampler: Arc::new(CatalogueSampler::new(calibration)?),
                observer: Arc::new(Mutex::new(observer)),
                run,
                think_factor: options.think_factor(),
                backorders: options.mode == Mode::Virtual,
            },
            population: Population::new(
                options.visits,
                default_personas()?,
                calibration,
                entropy.fork("population"),
            )?,
            sessions: SessionModel::new(SessionFigures::default())?,
            arrivals_ms: arrivals(
                visits,
                options.duration,
                &calibration.hours,
                &mut entropy.fork("arrivals"),
            )?,
            returning_share: calibration.returning_share,
            rng: entropy.fork("door"),
            visits: entropy,
        })
    }

    /// Those who run the shop on this day.
    fn merchant(&self, world: &World, range: &Range, options: &SimulationOptions) -> Merchant {
        Merchant {
            handle: self.stage.handle.clone(),
            range: range.clone(),
            feed: world.outside.competitors.clone(),
            observer: self.stage.observer.clone(),
            rng: self.visits.fork("merchant"),
            run: self.stage.run,
            day: options.duration,
            // Fewer than want to use it.
            coupon_uses: u32::try_from(options.visits / 1_000).unwrap_or(u32::MAX),
        }
    }

    /// Lets everybody in at their time, never waiting for those who are inside, while agents are
    /// crashed. Gives the number of crashes.
    async fn serve(
        &self,
        shop: &OpenShop,
        options: &SimulationOptions,
        progress: &mut dyn Progress,
    ) -> Result<u64, SimulationError> {
        let mut crashed = 0;
        let open = self.let_in(progress);
        match options.crash_every {
            None => open.await?,
            Some(every) => {
                let rng = self.visits.fork("crashes");
                let crashing = crashes::inject(&shop.runtime, &AGENTS, every, rng, &mut crashed);
                tokio::select! {
                    biased;
                    served = open => served?,
                    () = crashing => {}
                }
            }
        }
        Ok(crashed)
    }

    async fn let_in(&self, progress: &mut dyn Progress) -> Result<(), SimulationError> {
        let clock = self.stage.handle.clock();
        let opened = clock.now();
        let mut door = Door {
            rng: self.rng.clone(),
            new_shoppers: 0,
            returning_share: self.returning_share,
        };
        let mut inside = JoinSet::new();
        let all = self.arrivals_ms.len() as u64;
        let mut over = 0;
        for (number, at_ms) in (0u64..).zip(&self.arrivals_ms) {
            let arrival = clock.sleep_until(opened.plus(Duration::from_millis(*at_ms)));
            let mut arrival = std::pin::pin!(arrival);
            loop {
                tokio::select! {
                    biased;
                    () = &mut arrival => break,
                    Some(left) = inside.join_next() => {
                        over += 1;
                        progress.visits(over, all);
                        finished(left)?;
                    }
                }
            }
            if inside.len() >= VISITS_AT_ONCE_MAX {
                lock(&self.stage.observer).turned_away += 1;
            } else if let Some(visit) = self.visit(number, door.next_shopper()) {
                inside.spawn(visit.run());
            }
        }
        while let Some(left) = inside.join_next().await {
            over += 1;
            progress.visits(over, all);
            finished(left)?;
        }
        Ok(())
    }

    fn visit(&self, number: u64, shopper: u64) -> Option<Visit> {
        let shopper = self.population.shopper(shopper)?;
        let walk = Walk::new(
            shopper.persona.clone(),
            self.sessions,
            self.visits.fork(&format!("walk {number}")),
        );
        Some(Visit {
            earlier: self.latest_order_of(shopper.index),
            stage: self.stage.clone(),
            number,
            shopper,
            walk,
            rng: self.visits.fork(&format!("visit {number}")),
        })
    }

    fn latest_order_of(&self, shopper: u64) -> Option<Acknowledgement> {
        lock(&self.stage.observer).latest_order_of(shopper).cloned()
    }

    fn close(self) -> Result<Observer, SimulationError> {
        // Every visit is over and has given its share back.
        let observer = Arc::into_inner(self.stage.observer)
            .ok_or_else(|| std::io::Error::other("a visit is still on its way"))?;
        Ok(observer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who comes in next: somebody new, or somebody who was here before.
struct Door {
    rng: ChaCha8Rng,
    new_shoppers: u64,
    returning_share: f64,
}

impl Door {
    fn next_shopper(&mut self) -> u64 {
        // A shopper who comes back does so several times; half the share keeps the mean.
        if self.new_shoppers > 0 && self.rng.random_bool(self.returning_share / 2.0) {
            return self.rng.random_range(0..self.new_shoppers);
        }
        self.new_shoppers += 1;
        self.new_shoppers - 1
    }
}

type Left = Result<Result<(), SimulationError>, tokio::task::JoinError>;

fn finished(left: Left) -> Result<(), SimulationError> {
    left.map_err(std::io::Error::other)?
}

/// Waits until all flows have ended. `false` where they have not in good time.
async fn settle(runtime: &Runtime, mode: Mode) -> bool {
    let (most, (look_every, looks)) = match mode {
        Mode::Virtual => (SETTLE_VIRTUAL_MAX, LOOKS_VIRTUAL),
        Mode::Live => (SETTLE_LIVE_MAX, LOOKS_LIVE),
    };
    let handle = runtime.handle();
    let clock = handle.clock();
    let until = clock.now().plus(most);
    // What the last flow's events start is on its way for a moment before it counts as a flow.
    let mut quiet = 0;
    while quiet < looks {
        if clock.now() >= until {
            return false;
        }
        tokio::time::sleep(look_every).await;
        quiet = match handle.flow_stats().in_flight {
            0 if mode == Mode::Virtual || triggers_follow(runtime) => quiet + 1,
            _ => 0,
        };
    }
    true
}

/// Whether no trigger has anything left to follow. On a busy machine one may be behind for a while.
fn triggers_follow(runtime: &Runtime) -> bool {
    let stats = runtime.triggers().stats();
    stats.is_ok_and(|stats| stats.iter().all(|it| it.lag == 0))
}

/// Where catalogue and shoppers come from, and what was left out.
fn describe(options: &SimulationOptions, dataset: &Dataset) -> String {
    let source = options.data.as_ref().map_or_else(
        || "the project's own sample".to_owned(),
        |path| path.display().to_string(),
    );
    format!("Transactions from {source}\n{}", dataset.rows)
}
