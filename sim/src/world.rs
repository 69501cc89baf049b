//! A shop with everything around it: journal, gateways, runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::{
    Journal, OpenError, Position, RedbJournal, Vault, WriterPlace,
};
use mercato_actors::runtime::{Clock, Entropy, PolicyBook, Runtime, RuntimeBuilder, Timestamp};
use mercato_actors::{
    BasisPoints, Jurisdiction, Ports, Shop, SupplierHabits, Warehouse, WarehouseId, Warehouses,
};

use crate::disk::{DrawnPace, MemoryDisk};
use crate::error::SimulationError;
use crate::options::{Mode, SimulationOptions};
use crate::outside::{Outside, RemotePayments};
use crate::stocking::Range;

/// A virtual day begins on the morning of Thursday, 1 December 2011, unless the store knows a later
/// one: 2011-12-01T00:00:00Z.
const FIRST_DAY_MS: u64 = 1_322_697_600_000;
const DAY_MS: u64 = 86_400_000;
/// On the machine's clock nobody waits three hours for the follow-up of an order.
const LIVE_FOLLOW_UP_DELAY: Duration = Duration::from_secs(1);
/// Nor ten minutes for the parcel of one.
pub(crate) const LIVE_CHANGE_FOR: Duration = Duration::from_millis(500);

/// The warehouse beside the main one.
pub(crate) const SECOND_WAREHOUSE: &str = "continent";

/// What outlives the shop's runtime.
pub(crate) struct World {
    options: SimulationOptions,
    disk: MemoryDisk,
    /// The keys of the shoppers, where the shop has no store beside which they could be.
    vault: Arc<Vault>,
    pub(crate) outside: Outside,
}

/// A shop that is open.
pub(crate) struct OpenShop {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) runtime: Runtime,
    /// Where the journal stood when it opened.
    pub(crate) opened_at: Position,
}

impl World {
    /// The world around a shop, and the journal that the shop is to be opened over.
    pub(crate) fn new(
        options: &SimulationOptions,
    ) -> Result<(Self, Arc<RedbJournal>), SimulationError> {
        let disk = MemoryDisk::default();
        let vault = Arc::new(Vault::in_memory().map_err(OpenError::from)?);
        // The journal comes first: it tells whether the files beside it are ours to touch.
        let journal = open_journal(options, &disk, &vault)?;
        let outside = options
            .store
            .as_deref()
            .map(|store| beside(store, "outside"));
        let world = Self {
            outside: Outside::new(outside.as_deref(), supplier(options))?,
            disk,
            vault,
            options: options.clone(),
        };
        Ok((world, journal))
    }

    /// Where the clients keep their log of acknowledgements, if the shop has a store.
    pub(crate) fn acknowledgements(&self) -> Option<PathBuf> {
        let store = self.options.store.as_deref()?;
        Some(beside(store, "acks"))
    }

    /// Opens the shop for business.
    pub(crate) async fn open(
        &self,
        journal: Arc<dyn Journal>,
        range: &Range,
    ) -> Result<OpenShop, SimulationError> {
        let opened_at = journal.durable();
        let weather =
            Entropy::seeded(self.options.seed).fork(&format!("weather after {opened_at}"));
        let payments = RemotePayments::new(self.outside.payments.clone(), weather)
            .ok_or_else(|| std::io::Error::other("no latencies can be drawn"))?;
        let ports = Ports {
            payments: Arc::new(payments),
            carrier: self.outside.carrier.clone(),
            mail: self.outside.mail.clone(),
            messengers: self.outside.messengers.clone(),
            procurement: self.outside.procurement.clone(),
            competitors: self.outside.competitors.clone(),
        };
        let builder = self.runtime(journal.clone())?;
        let runtime = self.shop(range).open(builder, &ports).start().await?;
        Ok(OpenShop {
            journal,
            runtime,
            opened_at,
        })
    }

    /// Opens the shop anew over what the disk holds, to be asked and nothing else: no flow goes on
    /// and no rule is followed while the laws are held against it.
    pub(crate) async fn reopen(&self, range: &Range) -> Result<OpenShop, SimulationError> {
        let journal = open_journal(&self.options, &self.disk, &self.vault)?;
        let opened_at = journal.durable();
        let builder = self.runtime(journal.clone())?;
        let runtime = self.shop(range).open_for_questions(builder).start().await?;
        Ok(OpenShop {
            journal,
            runtime,
            opened_at,
        })
    }

    fn runtime(&self, journal: Arc<dyn Journal>) -> Result<RuntimeBuilder, SimulationError> {
        let clock = match self.options.mode {
            Mode::Live => Clock::system(),
            Mode::Virtual => Clock::starting_at(first_moment(&*journal)?),
        };
        let entropy = Entropy::seeded(self.options.seed);
        let config = &self.options.config;
        let policies = PolicyBook::new(config.policies.clone())?;
        let builder = Runtime::builder(journal).clock(clock).entropy(entropy);
        Ok(config.limit(builder).policies(Arc::new(policies)))
    }

    fn shop(&self, range: &Range) -> Shop {
        let mut shop = self
            .options
            .config
            .furnish(Shop::new(range.catalogue.clone()));
        // A supplier takes days of the shoppers' time, whatever a day takes here.
        let squeezed = |time: Duration| time.mul_f64(self.options.think_factor());
        shop.inventory.lead_time = squeezed(shop.inventory.lead_time);
        shop.inventory.cover = squeezed(shop.inventory.cover);
        let deviation = squeezed(shop.inventory.lead_time_deviation);
        shop.inventory.lead_time_deviation = deviation;
        shop.inventory.backorder_hold = squeezed(shop.inventory.backorder_hold);
        shop.inventory.warehouses = warehouses();
        let pricing = &mut shop.pricing;
        pricing.level_interval_min = squeezed(pricing.level_interval_min);
        pricing.demand_period = squeezed(pricing.demand_period);
        // A price that stayed fresh for days of the clock would be looked at again all that time.
        pricing.competitor_age_max = squeezed(pricing.competitor_age_max);
        if self.options.mode == Mode::Live {
            // On the machine's clock nobody waits for ten minutes before the parcel is packed.
            shop.order.change_for = LIVE_CHANGE_FOR;
            // Nor does the first customer wait until the shop has learnt what they may ask.
            if shop.support.intent_model.is_none() {
                shop.intents.learn();
            }
        }
        if let (Mode::Live, Some(follow_up)) = (self.options.mode, &mut shop.follow_up) {
            // A campaign's plan is kept for good, so it must not depend on how long a run takes.
            follow_up.plan.delay = LIVE_FOLLOW_UP_DELAY;
        }
        // Injected crashes are no sign of illness: only what comes on top of them escalates.
        if let Some(every) = self.options.crash_every {
            for agent in shop.agents.each_mut() {
                let injected = agent.intensity.period.as_secs_f64() / every.as_secs_f64();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
                let injected = injected.ceil() as u32;
                let restarts_max = &mut agent.intensity.restarts_max;
                *restarts_max = restarts_max.saturating_add(injected.saturating_mul(2));
            }
        }
        shop
    }
}

/// A supplier that takes about as long as it promises, in the shoppers' time, and now and then delivers late, in
/// parts, too little or too much.
fn supplier(options: &SimulationOptions) -> SupplierHabits {
    let promised = options.config.shop.inventory.lead_time;
    let lead_time = promised.mul_f64(options.think_factor());
    SupplierHabits {
        lead_time,
        deviation: lead_time / 6,
        splits: BasisPoints::new(1_500),
        falls_short: BasisPoints::new(700),
        overdelivers: BasisPoints::new(300),
        seed: options.seed,
    }
}

/// Two warehouses: goods come in at the main one, and some of them are brought to the other.
fn warehouses() -> Warehouses {
    let costs = |id, near: Jurisdiction, parcel_cost| Warehouse {
        parcel_cost,
        cost_per_100_km: 12,
        unit_cost: 3,
        distances_km: [(near, 200)].into(),
        elsewhere_km: 1_500,
        ..Warehouse::plain(id)
    };
    let main = costs(WarehouseId::main(), Jurisdiction::GB, 250);
    let continent = Jurisdiction::new("DE").ok();
    let second = continent.and_then(|near| {
        let id = WarehouseId::new(SECOND_WAREHOUSE).ok()?;
        Some(costs(id, near, 300))
    });
    let both: Vec<_> = [main].into_iter().chain(second).collect();
    Warehouses::new(both).unwrap_or_default()
}

fn open_journal(
    options: &SimulationOptions,
    disk: &MemoryDisk,
    vault: &Arc<Vault>,
) -> Result<Arc<RedbJournal>, SimulationError> {
    let writer = match options.mode {
        Mode::Live => WriterPlace::Thread,
        Mode::Virtual => {
            let pace = DrawnPace::new(Entropy::seeded(options.seed).fork("disk"))
                .ok_or_else(|| std::io::Error::other("no disk times can be drawn"))?;
            WriterPlace::Task(Box::new(pace))
        }
    };
    let limits = options.config.journal.clone();
    let journal = match &options.store {
        Some(path) => RedbJournal::open(path, limits, writer)?,
        None => RedbJournal::with_vault(disk.clone(), vault.clone(), limits, writer)?,
    };
    Ok(Arc::new(journal))
}

/// The midnight after the last thing that the journal knows of.
fn first_moment(journal: &dyn Journal) -> Result<Timestamp, SimulationError> {
    let last = journal.durable();
    let before_last = Position::new(last.get().saturating_sub(1));
    let known = journal.read(before_last, 1)?;
    let first_ms = known.first().map_or(FIRST_DAY_MS, |recorded| {
        let midnights = recorded.append.recorded_at_ms / DAY_MS + 1;
        FIRST_DAY_MS.max(midnights * DAY_MS)
    });
    Ok(Timestamp::from_millis(first_ms))
}

/// A file that lies beside the store.
fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".{what}.jsonl"));
    name.into()
}
