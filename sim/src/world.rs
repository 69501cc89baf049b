//! A shop with everything around it: journal, gateways, runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, Position, RedbJournal, WriterPlace,
};
use mercato_actors::runtime::supervisor::Intensity;
use mercato_actors::runtime::{AgentOptions, Clock, Entropy, Runtime, Timestamp};
use mercato_actors::{InventorySettings, Ports, Shop};

use crate::disk::{DrawnPace, MemoryDisk};
use crate::error::SimulationError;
use crate::options::{Mode, SimulationOptions};
use crate::outside::{Outside, RemotePayments};
use crate::stocking::Range;

/// A virtual day begins on the morning of Thursday, 1 December 2011, unless the store knows a later
/// one: 2011-12-01T00:00:00Z.
const FIRST_DAY_MS: u64 = 1_322_697_600_000;
const DAY_MS: u64 = 86_400_000;

/// What outlives the shop's runtime.
pub(crate) struct World {
    options: SimulationOptions,
    disk: MemoryDisk,
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
    pub(crate) fn new(options: &SimulationOptions) -> Result<Self, SimulationError> {
        let outside = options
            .store
            .as_deref()
            .map(|store| beside(store, "outside"));
        Ok(Self {
            outside: Outside::new(outside.as_deref())?,
            disk: MemoryDisk::default(),
            options: options.clone(),
        })
    }

    /// Where the clients keep their log of acknowledgements, if the shop has a store.
    pub(crate) fn acknowledgements(&self) -> Option<PathBuf> {
        let store = self.options.store.as_deref()?;
        Some(beside(store, "acks"))
    }

    /// Opens the shop over what the disk holds.
    pub(crate) async fn open(&self, range: &Range) -> Result<OpenShop, SimulationError> {
        let seed = self.options.seed;
        let journal = self.journal(seed)?;
        let opened_at = journal.durable();
        let clock = match self.options.mode {
            Mode::Live => Clock::system(),
            Mode::Virtual => Clock::starting_at(first_moment(&*journal)?),
        };
        let weather = Entropy::seeded(seed).fork(&format!("weather after {opened_at}"));
        let payments = RemotePayments::new(self.outside.payments.clone(), weather)
            .ok_or_else(|| std::io::Error::other("no latencies can be drawn"))?;
        let ports = Ports {
            payments: Arc::new(payments),
            carrier: self.outside.carrier.clone(),
            mail: self.outside.mail.clone(),
        };
        let builder = Runtime::builder(journal.clone())
            .clock(clock)
            .entropy(Entropy::seeded(seed));
        let runtime = self.shop(range).open(builder, &ports).start().await?;
        Ok(OpenShop {
            journal,
            runtime,
            opened_at,
        })
    }

    fn journal(&self, seed: u64) -> Result<Arc<dyn Journal>, SimulationError> {
        let writer = match self.options.mode {
            Mode::Live => WriterPlace::Thread,
            Mode::Virtual => {
                let pace = DrawnPace::new(Entropy::seeded(seed).fork("disk"))
                    .ok_or_else(|| std::io::Error::other("no disk times can be drawn"))?;
                WriterPlace::Task(Box::new(pace))
            }
        };
        let options = JournalOptions::default();
        let journal = match &self.options.store {
            Some(path) => RedbJournal::open(path, options, writer)?,
            None => RedbJournal::with_backend(self.disk.clone(), options, writer)?,
        };
        Ok(Arc::new(journal))
    }

    fn shop(&self, range: &Range) -> Shop {
        let mut shop = Shop::new(range.catalogue.clone());
        // A supplier takes two days of the shoppers' time, whatever a day takes here.
        let day = Duration::from_secs(86_400).mul_f64(self.options.think_factor());
        shop.inventory = InventorySettings {
            lead_time: day * 2,
            cover: day * 7,
            ..InventorySettings::default()
        };
        if let Some(follow_up) = &mut shop.follow_up {
            let delay = follow_up.plan.delay;
            follow_up.plan.delay = delay.mul_f64(self.options.think_factor());
        }
        let crashes_in = |period: Duration| {
            self.options
                .crash_every
                .map_or(0.0, |every| period.as_secs_f64() / every.as_secs_f64())
        };
        let period = Duration::from_secs(10);
        // Injected crashes are no sign of illness: only what comes on top of them escalates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // far below 2^32
        let injected = crashes_in(period).ceil() as u32;
        shop.agents = AgentOptions {
            intensity: Intensity {
                restarts_max: 64 + 2 * injected,
                period,
            },
            ..AgentOptions::default()
        };
        shop
    }
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
