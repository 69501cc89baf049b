//! A long campaign through the real agent in virtual time, and what the observer of it saw.
//!
//! Customers of six zones agree, change their minds, buy, complain and unsubscribe; two dozen campaigns
//! by mail and SMS begin at all hours; gateways are busy and lose answers; addresses bounce; products
//! are paused; and the shop goes down for hours while messages wait.

use std::sync::Arc;
use std::time::Duration;

use mercato_actors::runtime::persistence::{
    Journal, JournalOptions, OpenError, RedbJournal, Vault, WriterPlace,
};
use mercato_actors::runtime::{
    Caller, Clock, Command, Entropy, FlowId, Handle, Rejection, Runtime, Timestamp,
};
use mercato_actors::{
    CampaignId, CampaignMetrics, CampaignPlan, CampaignReport, CampaignRun, Catalogue, Channel,
    ChannelAddress, Currency, CustomerId, CustomerSegment, EmailAddress, Engagement, FrequencyCap,
    HoldoutShare, InProcessCarrier, InProcessCompetitors, InProcessPayments, InProcessProcurement,
    LedgerOptions, MessageId, Messengers, Money, NoteComplaint, OrderId, PausePromotions, Ports,
    Product, Purpose, Quantity, QueueOrderConfirmation, QuietHours, RUN_CAMPAIGN, ReceiveStock,
    RecordConsent, RecordContact, RecordEngagement, RecordReach, RecordSpamReport,
    ResumePromotions, SetZone, Shop, Sku, SupplierHabits, Template, TimeZoneName, Unsubscribe,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::watch::{About, Breaches, Gateway, Promises, Reached, Watch};
use crate::disk::{DrawnPace, MemoryDisk};
use crate::error::SimulationError;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// A Monday in March: the clocks of Europe and America go forward within the campaign.
const BEGIN_MS: u64 = 1_772_409_600_000;
const ZONES: [&str; 6] = [
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Sao_Paulo",
    "Pacific/Auckland",
];
const PRODUCTS: [&str; 3] = ["tea", "mug", "pot"];
const PURPOSES: [Purpose; 2] = [Purpose::Offers, Purpose::News];
/// The rates at which the variants of each campaign are clicked.
const CLICKED: [f64; 3] = [0.05, 0.10, 0.20];
/// How much more often somebody buys who was written to.
const MOVED: f64 = 0.10;

/// A rail that is taken away on purpose, to see whether the observer notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Nothing is wrong.
    None,
    /// The shop forgets when somebody withdraws their consent.
    Consent,
    /// The shop sends more than it promised.
    Cap,
    /// The shop knows no quiet hours.
    QuietHours,
    /// The shop takes its own clock for everybody's.
    TimeZoneName,
    /// The shop does not hear of pauses.
    Pause,
    /// The shop does not hear of complaints.
    Complaint,
}

/// The set-up.
#[derive(Debug, Clone)]
pub struct RailsOptions {
    /// Draws everything.
    pub seed: u64,
    /// How many customers there are.
    pub customers: u32,
    /// How many days it takes.
    pub days: u32,
    /// How many campaigns there are.
    pub campaigns: u32,
    /// How often the shop goes down for nine hours.
    pub outages: u32,
    /// What is wrong.
    pub plant: Plant,
}

impl Default for RailsOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            customers: 250,
            days: 60,
            campaigns: 24,
            outages: 3,
            plant: Plant::None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RailsReport {
    /// How long it took, in virtual days.
    pub days: u32,
    /// How many customers there were.
    pub customers: u32,
    /// How many campaigns.
    pub campaigns: u32,
    /// How often the shop went down.
    pub outages: u32,
    /// What the observer counted.
    pub seen: Breaches,
    /// All campaigns together, as the shop knows them.
    pub sent: u32,
    /// Their clicks.
    pub clicked: u32,
    /// Their bounces.
    pub bounced: u32,
    /// Their complaints.
    pub complained: u32,
    /// The report of the campaign with the most messages.
    pub largest: Option<CampaignReport>,
    /// How much more often who was written to bought, as the simulation made it.
    pub lift_planted: f64,
}

/// Runs the long campaign on one thread under a paused clock.
///
/// # Errors
/// When the shop does not open or cannot be asked.
pub fn guard_rails(options: &RailsOptions) -> Result<RailsReport, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(Box::pin(async {
        let mut town = Town::open(options).await?;
        town.settle_in().await?;
        for (at, event) in town.plan() {
            town.pass_until(at).await?;
            town.happen(event).await?;
        }
        town.report().await
    }))
}

/// Something that happens in the town.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Consents(u32, Channel, Purpose, bool),
    Unsubscribes(u32),
    Buys(u32, &'static str),
    Complains(u32, bool),
    Pauses(&'static str, bool),
    Launches(u32),
    Outage,
    Tick,
}

struct Town {
    options: RailsOptions,
    clock: Clock,
    disk: MemoryDisk,
    vault: Arc<Vault>,
    watch: Watch,
    ports: Ports,
    rng: ChaCha8Rng,
    open: Option<Runtime>,
    life: u32,
    orders: u32,
    /// What customers do with what reached them, and when.
    reactions: Vec<(Timestamp, Reached, Reaction)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Click,
    CallItSpam,
    Buy,
}

fn name(customer: u32) -> String {
    format!("c-{customer}")
}

fn customer(number: u32) -> Result<CustomerId, SimulationError> {
    CustomerId::new(name(number)).map_err(|error| wrong(&error))
}

fn campaign(number: u32) -> Result<CampaignId, SimulationError> {
    CampaignId::new(format!("campaign-{number}")).map_err(|error| wrong(&error))
}

fn sku(name: &str) -> Result<Sku, SimulationError> {
    Sku::new(name).map_err(|error| wrong(&error))
}

fn wrong(problem: &impl std::fmt::Display) -> SimulationError {
    SimulationError::Merchant(problem.to_string())
}

impl Town {
    async fn open(options: &RailsOptions) -> Result<Self, SimulationError> {
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

    fn shop(&self) -> Result<Shop, SimulationError> {
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
                let six = std::num::NonZeroU32::MIN.saturating_add(5);
                shop.marketing.cap =
                    FrequencyCap::new(six, DAY * 7).map_err(|error| wrong(&error))?;
            }
            Plant::QuietHours => {
                shop.marketing.quiet_hours =
                    QuietHours::new(0, 0, TimeZoneName::utc()).map_err(|error| wrong(&error))?;
            }
            _ => {}
        }
        Ok(shop)
    }

    async fn open_shop(&mut self) -> Result<(), SimulationError> {
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

    fn handle(&self) -> Result<Handle, SimulationError> {
        let open = self.open.as_ref().map(Runtime::handle);
        open.ok_or_else(|| wrong(&"the shop is closed"))
    }

    async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, SimulationError>
    where
        Rejection<C>: std::fmt::Display,
    {
        let caller = Caller::system().within(HOUR);
        let answer = self.handle()?.ask(&caller, command).await;
        answer.map_err(|error| wrong(&error))
    }

    /// Customers come, and say where they live and what they agree to.
    async fn settle_in(&mut self) -> Result<(), SimulationError> {
        for product in PRODUCTS {
            let quantity = Quantity::new(1_000).map_err(|error| wrong(&error))?;
            let sku = sku(product)?;
            self.ask(ReceiveStock { sku, quantity }).await?;
        }
        for number in 0..self.options.customers {
            let id = customer(number)?;
            let zone = ZONES[number as usize % ZONES.len()];
            self.watch.meet(&name(number), zone);
            if self.options.plant != Plant::TimeZoneName {
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

    async fn give_addresses(&self, id: &CustomerId, number: u32) -> Result<(), SimulationError> {
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

    async fn consent(
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

    /// Everything that will happen, in its order.
    fn plan(&mut self) -> Vec<(Timestamp, Happening)> {
        let begin = self.clock.now();
        let span = DAY * self.options.days;
        let mut plan = Vec::new();
        let mut rng = self.rng.clone();
        let mut any = |times: u32, what: &mut dyn FnMut(&mut ChaCha8Rng) -> Happening| {
            for _ in 0..times {
                let at = begin.plus(span.mul_f64(rng.random::<f64>()));
                plan.push((at, what(&mut rng)));
            }
        };
        let customers = self.options.customers;
        let changes = customers * self.options.days / 40;
        any(changes, &mut |rng| {
            let channel = [Channel::Email, Channel::Sms][rng.random_range(0..2)];
            let purpose = PURPOSES[rng.random_range(0..2)];
            let granted = rng.random::<f64>() < 0.5;
            Happening::Consents(rng.random_range(0..customers), channel, purpose, granted)
        });
        any(changes / 8, &mut |rng| {
            Happening::Unsubscribes(rng.random_range(0..customers))
        });
        any(changes * 2, &mut |rng| {
            Happening::Buys(
                rng.random_range(0..customers),
                PRODUCTS[rng.random_range(0..3)],
            )
        });
        any(changes, &mut |rng| {
            Happening::Complains(rng.random_range(0..customers), rng.random::<f64>() < 0.4)
        });
        any(self.options.days / 2, &mut |rng| {
            Happening::Pauses(PRODUCTS[rng.random_range(0..3)], rng.random::<f64>() < 0.5)
        });
        any(self.options.outages, &mut |_| Happening::Outage);
        for number in 0..self.options.campaigns {
            // Not in the last week, so that all of them come to an end.
            let early = (span.saturating_sub(DAY * 8)).mul_f64(rng.random::<f64>());
            plan.push((begin.plus(early), Happening::Launches(number)));
        }
        let hours = self.options.days * 24;
        plan.extend((1..=hours).map(|hour| (begin.plus(HOUR * hour), Happening::Tick)));
        plan.sort_by_key(|(at, _)| *at);
        self.rng = rng;
        plan
    }

    async fn pass_until(&mut self, at: Timestamp) -> Result<(), SimulationError> {
        self.clock.sleep_until(at).await;
        Ok(())
    }

    async fn happen(&mut self, what: Happening) -> Result<(), SimulationError> {
        match what {
            Happening::Consents(number, channel, purpose, granted) => {
                self.consent(number, channel, purpose, granted).await
            }
            Happening::Unsubscribes(number) => {
                let customer = customer(number)?;
                if self.options.plant != Plant::Consent {
                    self.ask(Unsubscribe { customer }).await?;
                }
                self.watch.unsubscribes(&name(number));
                Ok(())
            }
            Happening::Buys(number, product) => self.buys(&name(number), product).await,
            Happening::Complains(number, open) => {
                let note = NoteComplaint {
                    customer: customer(number)?,
                    conversation: "chat".into(),
                    open,
                };
                if !open {
                    self.watch.complains(&name(number), false);
                }
                if self.options.plant != Plant::Complaint {
                    self.ask(note).await?;
                }
                if open {
                    self.watch.complains(&name(number), true);
                }
                Ok(())
            }
            Happening::Pauses(product, true) => {
                let pause = PausePromotions {
                    sku: sku(product)?,
                    reason: "little is left".into(),
                };
                if self.options.plant != Plant::Pause {
                    self.ask(pause).await?;
                }
                self.watch.pauses(product, true);
                Ok(())
            }
            Happening::Pauses(product, false) => {
                self.watch.pauses(product, false);
                let sku = sku(product)?;
                self.ask(ResumePromotions { sku }).await?;
                Ok(())
            }
            Happening::Launches(number) => self.launches(number).await,
            Happening::Outage => {
                if let Some(open) = self.open.take() {
                    open.stop().await?;
                }
                self.clock
                    .sleep_until(self.clock.now().plus(HOUR * 9))
                    .await;
                self.open_shop().await
            }
            Happening::Tick => self.react().await,
        }
    }

    async fn launches(&mut self, number: u32) -> Result<(), SimulationError> {
        let by_sms = number % 4 == 3;
        let product = (number % 2 == 0).then(|| PRODUCTS[number as usize % 3]);
        let purpose = PURPOSES[number as usize % 2];
        let id = campaign(number)?;
        self.watch.announce(id.as_str(), About { purpose, product });
        let variants = (0..CLICKED.len()).map(|variant| Template {
            subject: format!("variant {variant}").into(),
            body: match product {
                Some(_) => "Have a look at our {{ product }}, {{ customer }}.".into(),
                None => "News for {{ customer }}.".into(),
            },
            html: Some("<p>News for {{ customer }}.</p>".into()),
        });
        let everybody = [
            CustomerSegment::Prospect,
            CustomerSegment::New,
            CustomerSegment::Regular,
            CustomerSegment::Loyal,
            CustomerSegment::Champion,
            CustomerSegment::AtRisk,
            CustomerSegment::Lapsed,
            CustomerSegment::NeedsAttention,
            CustomerSegment::CannotLose,
        ];
        let plan = CampaignPlan {
            promotes: product.map(sku).transpose()?,
            channels: match by_sms {
                true => vec![Channel::Sms, Channel::Email],
                false => vec![Channel::Email],
            },
            valid_for: DAY * 4,
            ..CampaignPlan::by_mail(purpose, everybody, variants.collect())
        };
        let handle = self.handle()?;
        for number in 0..self.options.customers {
            let run = CampaignRun {
                campaign: id.clone(),
                plan: plan.clone(),
                customer: customer(number)?,
                occasion: None,
            };
            let flow = FlowId::new(format!("{id}/{}", run.customer));
            let handle = handle.clone();
            // The flow goes on by itself, also when the shop goes down and this call with it.
            tokio::spawn(async move {
                let caller = Caller::system().within(HOUR);
                let ended = handle.run(&caller, RUN_CAMPAIGN, flow, run).await;
                if let Err(error) = ended {
                    tracing::debug!(%error, "a campaign's end was not waited for");
                }
            });
        }
        Ok(())
    }

    async fn buys(&mut self, who: &str, product: &str) -> Result<(), SimulationError> {
        self.orders += 1;
        let id = CustomerId::new(who).map_err(|error| wrong(&error))?;
        let person = id.person().map_err(|error| wrong(&error))?;
        let email = EmailAddress::new(format!("{who}@shop.test"));
        let email = email.map_err(|error| wrong(&error))?;
        let email = self.handle()?.seal(&person, &email);
        let confirm = QueueOrderConfirmation {
            customer: id,
            order: OrderId::new(format!("o-{}", self.orders)).map_err(|error| wrong(&error))?,
            total: Money::new(2_500, Currency::GBP),
            email: email.map_err(|error| wrong(&error))?,
            skus: vec![sku(product)?],
        };
        self.ask(confirm).await?;
        Ok(())
    }

    /// Customers react to what reached them.
    async fn react(&mut self) -> Result<(), SimulationError> {
        for reached in self.watch.reached() {
            let variant = reached.subject.rsplit(' ').next();
            let variant: usize = variant
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            let rate = CLICKED.get(variant).copied().unwrap_or_default();
            let mut later = |hours: f64| {
                reached
                    .at
                    .plus(HOUR.mul_f64(hours * self.rng.random::<f64>()))
            };
            let (click, spam, buy) = (later(48.0), later(24.0), later(60.0));
            if self.rng.random::<f64>() < rate {
                self.reactions
                    .push((click, reached.clone(), Reaction::Click));
            }
            if self.rng.random::<f64>() < 0.002 {
                self.reactions
                    .push((spam, reached.clone(), Reaction::CallItSpam));
            }
            if self.rng.random::<f64>() < MOVED {
                self.reactions.push((buy, reached, Reaction::Buy));
            }
        }
        let now = self.clock.now();
        let (due, later) = std::mem::take(&mut self.reactions)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.reactions = later;
        for (_, reached, reaction) in due {
            self.reacts(reached, reaction).await?;
        }
        Ok(())
    }

    async fn reacts(&mut self, reached: Reached, how: Reaction) -> Result<(), SimulationError> {
        let customer = CustomerId::new(reached.customer.clone()).map_err(|error| wrong(&error))?;
        let message = MessageId::Campaign {
            campaign: CampaignId::new(reached.campaign).map_err(|error| wrong(&error))?,
            occasion: None,
        };
        // A message whose answer was lost has reached its reader before the shop knows that it was
        // sent; then the shop refuses, and the reader gives up.
        let refused = match how {
            Reaction::Click => {
                let engagement = Engagement::Clicked;
                self.ask(RecordEngagement {
                    customer,
                    message,
                    engagement,
                })
                .await
                .err()
            }
            Reaction::CallItSpam => {
                let noted = self.ask(RecordSpamReport { customer, message }).await;
                if noted.is_ok() {
                    self.watch.unreachable(&reached.customer, Channel::Email);
                }
                noted.err()
            }
            Reaction::Buy => return self.buys(&reached.customer, "tea").await,
        };
        if let Some(refused) = refused {
            tracing::debug!(%refused, "a reaction was not counted");
        }
        Ok(())
    }

    async fn report(mut self) -> Result<RailsReport, SimulationError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn small(plant: Plant) -> RailsReport {
        let options = RailsOptions {
            customers: 24,
            days: 16,
            campaigns: 12,
            outages: 1,
            plant,
            ..RailsOptions::default()
        };
        guard_rails(&options).expect("a town")
    }

    /// Catches: a promotional message without consent, over the cap, at night, to who complained or is
    /// suppressed, of a paused product, or twice; also over an outage.
    #[test]
    fn the_rails_hold() {
        let report = small(Plant::None);
        assert_eq!(report.seen.broken(), 0, "{report:?}");
        assert!(report.seen.promotional > 50, "{report:?}");
        assert_eq!(
            u64::from(report.sent),
            report.seen.promotional,
            "{report:?}"
        );
        assert!(report.seen.transactional > 5, "{report:?}");
    }

    /// Catches: an observer that sees nothing. Each rail is taken away once.
    #[test]
    fn a_rail_that_is_missing_is_noticed() {
        type Counted = fn(&Breaches) -> u64;
        let planted: [(Plant, Counted); 6] = [
            (Plant::Consent, |seen| seen.without_consent),
            (Plant::Cap, |seen| seen.over_cap),
            (Plant::QuietHours, |seen| seen.in_quiet_hours),
            (Plant::TimeZoneName, |seen| seen.in_quiet_hours),
            (Plant::Pause, |seen| seen.paused),
            (Plant::Complaint, |seen| seen.complained),
        ];
        for (plant, counted) in planted {
            let seen = small(plant).seen;
            assert!(counted(&seen) > 0, "{plant:?} {seen:?}");
        }
    }
}
