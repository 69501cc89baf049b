//! The town: its shop, its gateways, and the people who live there.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, OpenError, RedbJournal, Vault, WriterPlace,
};
use mercato_actors::runtime::{
    Caller, Clock, Command, Entropy, Handle, Rejection, Runtime, Timestamp,
};
use mercato_actors::{
    CampaignId, CampaignMetrics, Catalogue, Channel, ChannelAddress, Currency, CustomerId,
    EmailAddress, FrequencyCap, HoldoutShare, InProcessCarrier, InProcessCompetitors,
    InProcessPayments, InProcessProcurement, LedgerOptions, Messengers, Money, Ports, Product,
    Purpose, Quantity, QuietHours, ReceiveStock, RecordConsent, RecordContact, RecordReach,
    SetZone, Shop, Sku, SupplierHabits, TimeZoneName, WayOut,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::life::Reaction;
use super::{MOVED, Plant, RailsOptions, RailsReport};
use crate::campaign::watch::{Gateway, Promises, Reached, Watch};
use crate::disk::{DrawnPace, MemoryDisk};
use crate::error::SimulationError;

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// A Monday in March: the clocks of Europe and America go forward within the campaign.
pub(super) const BEGIN_MS: u64 = 1_772_409_600_000;
pub(super) const ZONES: [&str; 6] = [
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Sao_Paulo",
    "Pacific/Auckland",
];
pub(super) const PRODUCTS: [&str; 3] = ["tea", "mug", "pot"];
pub(super) const PURPOSES: [Purpose; 2] = [Purpose::Offers, Purpose::News];

/// The town.
pub(super) struct Town {
    pub(super) options: RailsOptions,
    pub(super) clock: Clock,
    pub(super) disk: MemoryDisk,
    pub(super) vault: Arc<Vault>,
    pub(super) watch: Watch,
    pub(super) ports: Ports,
    pub(super) rng: ChaCha8Rng,
    pub(super) open: Option<Runtime>,
    pub(super) life: u32,
    pub(super) orders: u32,
    /// What customers do with what reached them, and when.
    pub(super) reactions: Vec<(Timestamp, Reached, Reaction)>,
}

pub(super) fn name(customer: u32) -> String {
    format!("c-{customer}")
}

pub(super) fn customer(number: u32) -> Result<CustomerId, SimulationError> {
    CustomerId::new(name(number)).map_err(|error| wrong(&error))
}

pub(super) fn campaign(number: u32) -> Result<CampaignId, SimulationError> {
    CampaignId::new(format!("campaign-{number}")).map_err(|error| wrong(&error))
}

pub(super) fn sku(name: &str) -> Result<Sku, SimulationError> {
    Sku::new(name).map_err(|error| wrong(&error))
}

pub(super) fn wrong(problem: &impl std::fmt::Display) -> SimulationError {
    SimulationError::Merchant(problem.to_string())
}

impl Town {
    pub(super) async fn open(options: &RailsOptions) -> Result<Self, SimulationError> {
        let clock = Clock::starting_at(Timestamp::from_millis(BEGIN_MS));
        let entropy = Entropy::seeded(options.seed);
        let watch = Watch::new(
            Promises {
                messages: 3,
                per: DAY * 7,
                quiet_from: 21,
                quiet_until: 8,
            },
            clock,
        );
        let gateway = |channel, fork: &str| {
            Arc::new(Gateway::new(watch.clone(), channel, entropy.fork(fork)))
        };
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: gateway(Channel::Email, "mail"),
            messengers: Messengers {
                sms: gateway(Channel::Sms, "sms"),
                push: gateway(Channel::Push, "push"),
                social: gateway(Channel::Social, "social"),
            },
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let mut town = Self {
            clock,
            disk: MemoryDisk::default(),
            vault: Arc::new(Vault::in_memory().map_err(OpenError::from)?),
            watch,
            ports,
            rng: entropy.fork("town"),
            open: None,
            life: 0,
            orders: 0,
            reactions: Vec::new(),
            options: options.clone(),
        };
        town.open_shop().await?;
        Ok(town)
    }

    pub(super) fn shop(&self) -> Result<Shop, SimulationError> {
        let products = PRODUCTS.map(|name| {
            Ok::<_, SimulationError>(Product {
                sku: sku(name)?,
                name: name.into(),
                description: name.into(),
                category: "kitchen".into(),
                base_price: Money::new(1_000, Currency::GBP),
                cost: Money::new(400, Currency::GBP),
            })
        });
        let products: Vec<Product> = products.into_iter().collect::<Result<_, _>>()?;
        let catalogue = Catalogue::new(products).map_err(|error| wrong(&error))?;
        let mut shop = Shop::new(Arc::new(catalogue));
        shop.follow_up = None;
        // So that a campaign of this size says something of its lift.
        shop.marketing.holdout = HoldoutShare::new(0.2).map_err(|error| wrong(&error))?;
        match self.options.plant {
            Plant::Cap => {
                let six = NonZeroU32::MIN.saturating_add(5);
                shop.marketing.cap =
                    FrequencyCap::new(six, DAY * 7).map_err(|error| wrong(&error))?;
            }
            Plant::QuietHours => {
                shop.marketing.quiet_hours =
                    QuietHours::new(0, 0, TimeZoneName::utc()).map_err(|error| wrong(&error))?;
            }
            Plant::WayOut => {
                let says_nothing = WayOut::new("Have a nice day.");
                shop.marketing.ways_out.sms = says_nothing.map_err(|error| wrong(&error))?;
            }
            _ => {}
        }
        Ok(shop)
    }

    pub(super) async fn open_shop(&mut self) -> Result<(), SimulationError> {
        self.life += 1;
        let fork = |what: &str| {
            Entropy::seeded(self.options.seed).fork(&format!("{what} of life {}", self.life))
        };
        let pace = DrawnPace::new(fork("disk")).ok_or_else(|| wrong(&"no disk times are drawn"))?;
        let journal: Arc<dyn Journal> = Arc::new(RedbJournal::with_vault(
            self.disk.clone(),
            self.vault.clone(),
            JournalOptions::default(),
            WriterPlace::Task(Box::new(pace)),
        )?);
        let seed = self.options.seed.wrapping_add(u64::from(self.life) << 32);
        let builder = Runtime::builder(journal)
            .clock(self.clock)
            .entropy(Entropy::seeded(seed));
        self.open = Some(self.shop()?.open(builder, &self.ports).start().await?);
        Ok(())
    }

    pub(super) fn handle(&self) -> Result<Handle, SimulationError> {
        let open = self.open.as_ref().map(Runtime::handle);
        open.ok_or_else(|| wrong(&"the shop is closed"))
    }

    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, SimulationError>
    where
        Rejection<C>: std::fmt::Display,
    {
        let caller = Caller::system().within(HOUR);
        let answer = self.handle()?.ask(&caller, command).await;
        answer.map_err(|error| wrong(&error))
    }

    /// Customers come, and say where they live and what they agree to.
    pub(super) async fn settle_in(&mut self) -> Result<(), SimulationError> {
        for product in PRODUCTS {
            let quantity = Quantity::new(1_000).map_err(|error| wrong(&error))?;
            let sku = sku(product)?;
            self.ask(ReceiveStock { sku, quantity }).await?;
        }
        for number in 0..self.options.customers {
            let id = customer(number)?;
            let zone = ZONES[number as usize % ZONES.len()];
            self.watch.meet(&name(number), zone);
            if self.options.plant != Plant::Zone {
                let zone = TimeZoneName::new(zone).map_err(|error| wrong(&error))?;
                let customer = id.clone();
                self.ask(SetZone { customer, zone }).await?;
            }
            self.give_addresses(&id, number).await?;
            for channel in [Channel::Email, Channel::Sms] {
                for purpose in PURPOSES {
                    let granted = self.rng.random::<f64>() < 0.7;
                    if granted {
                        self.consent(number, channel, purpose, true).await?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn give_addresses(
        &self,
        id: &CustomerId,
        number: u32,
    ) -> Result<(), SimulationError> {
        // One in twenty has an address that is none.
        let host = if number % 20 == 7 { "nobody" } else { "shop" };
        let email = EmailAddress::new(format!("{}@{host}.test", name(number)));
        let email = email.map_err(|error| wrong(&error))?;
        let handle = self.handle()?;
        let person = id.person().map_err(|error| wrong(&error))?;
        let email = handle
            .seal(&person, &email)
            .map_err(|error| wrong(&error))?;
        let customer = id.clone();
        self.ask(RecordContact { customer, email }).await?;
        let phone = ChannelAddress::new(Channel::Sms, format!("+4477009{number:05}"));
        let phone = phone.map_err(|error| wrong(&error))?;
        let address = handle
            .seal(&person, &phone)
            .map_err(|error| wrong(&error))?;
        let customer = id.clone();
        let channel = Channel::Sms;
        self.ask(RecordReach {
            customer,
            channel,
            address,
        })
        .await
    }

    pub(super) async fn consent(
        &self,
        number: u32,
        channel: Channel,
        purpose: Purpose,
        granted: bool,
    ) -> Result<(), SimulationError> {
        // Who agrees may get a message before they are told that it was noted; who withdraws may
        // rely on it once they are told.
        if granted {
            self.watch.consents(&name(number), (channel, purpose), true);
        }
        if granted || self.options.plant != Plant::Consent {
            let consent = RecordConsent {
                customer: customer(number)?,
                channel,
                purpose,
                granted,
                proof: "the box in the account".into(),
            };
            self.ask(consent).await?;
        }
        if !granted {
            self.watch
                .consents(&name(number), (channel, purpose), false);
        }
        Ok(())
    }

    pub(super) async fn report(mut self) -> Result<RailsReport, SimulationError> {
        let mut report = RailsReport {
            days: self.options.days,
            customers: self.options.customers,
            campaigns: self.options.campaigns,
            outages: self.options.outages,
            seen: self.watch.found(),
            sent: 0,
            clicked: 0,
            bounced: 0,
            complained: 0,
            largest: None,
            lift_planted: MOVED,
        };
        for number in 0..self.options.campaigns {
            let campaign = campaign(number)?;
            let metrics = self.ask(CampaignMetrics { campaign }).await?;
            report.sent += metrics.total.sent;
            report.clicked += metrics.total.clicked;
            report.bounced += metrics.total.bounced;
            report.complained += metrics.total.complained;
            let most = report.largest.as_ref().map_or(0, |most| most.total.sent);
            if metrics.total.sent > most {
                report.largest = Some(metrics);
            }
        }
        if let Some(open) = self.open.take() {
            open.stop().await?;
        }
        Ok(report)
    }
}
