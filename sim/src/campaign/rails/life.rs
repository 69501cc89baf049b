//! What happens in the town, and what its people do.

use mercato_actors::runtime::{Caller, FlowId, Timestamp};
use mercato_actors::{
    CampaignId, CampaignPlan, CampaignRun, Channel, Currency, CustomerId, CustomerSegment,
    EmailAddress, Engagement, MessageId, Money, NoteComplaint, OrderId, PausePromotions, Purpose,
    QueueOrderConfirmation, RUN_CAMPAIGN, RecordEngagement, RecordSpamReport, ResumePromotions,
    Template, Unsubscribe,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::town::{DAY, HOUR, PRODUCTS, PURPOSES, Town, campaign, customer, name, sku, wrong};
use super::{MOVED, Plant};
use crate::campaign::watch::{About, Reached};
use crate::error::SimulationError;

/// The rates at which the variants of each campaign are clicked.
const CLICKED: [f64; 3] = [0.05, 0.10, 0.20];

/// Something that happens in the town.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    Consents(u32, Channel, Purpose, bool),
    Unsubscribes(u32),
    Buys(u32, &'static str),
    Complains(u32, bool),
    Pauses(&'static str, bool),
    Launches(u32),
    Outage,
    Tick,
}

/// What somebody does with what reached them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    Click,
    CallItSpam,
    Buy,
}

impl Town {
    /// Everything that will happen, in its order.
    pub(super) fn plan(&mut self) -> Vec<(Timestamp, Happening)> {
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

    pub(super) async fn pass_until(&mut self, at: Timestamp) -> Result<(), SimulationError> {
        self.clock.sleep_until(at).await;
        Ok(())
    }

    pub(super) async fn happen(&mut self, what: Happening) -> Result<(), SimulationError> {
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

    pub(super) async fn launches(&mut self, number: u32) -> Result<(), SimulationError> {
        let by_sms = number % 4 == 3;
        let product = number
            .is_multiple_of(2)
            .then(|| PRODUCTS[number as usize % 3]);
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

    pub(super) async fn buys(&mut self, who: &str, product: &str) -> Result<(), SimulationError> {
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
    pub(super) async fn react(&mut self) -> Result<(), SimulationError> {
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

    pub(super) async fn reacts(
        &mut self,
        reached: Reached,
        how: Reaction,
    ) -> Result<(), SimulationError> {
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
                    self.watch.unreachable(&reached.customer, reached.channel);
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
}
