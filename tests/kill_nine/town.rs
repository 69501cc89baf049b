//! The shop on a real file, and what is done in it. Both processes do the same things by the same
//! names, so that what one of them did can be told from the other.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use mercato::actors::*;
use mercato::persistence::{Journal, JournalOptions, RedbJournal, WriterPlace};
use mercato::{
    Caller, Clock, Command, CommandId, Entropy, FlowId, FlowState, Principal, Rejection, Runtime,
    Timestamp,
};

/// How long anything may take before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The products of the shop.
pub(crate) const PRODUCTS: u64 = 24;
/// When a message of the campaign is due, after the consent that began it.
pub(crate) const DELAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Noon of a day: outside the quiet hours now, and again when the campaign is due.
const NOON: Timestamp =
    Timestamp::from_millis(1_600_000_000_000 - 1_600_000_000_000 % 86_400_000 + 43_200_000);

/// The shop, open.
pub(crate) struct Town {
    pub(crate) runtime: Runtime,
    pub(crate) journal: Arc<RedbJournal>,
    /// What this process sent. What an earlier one did is gone with it, as a gateway's would not be.
    pub(crate) mail: Arc<InProcessMail>,
}

impl Town {
    /// Opens the shop over a file; without one over memory. Each process lives `after` the first one
    /// began, by its own clock, whatever the machine's says.
    pub(crate) async fn open(file: Option<&Path>, after: Duration, snapshot_every: u64) -> Self {
        let options = JournalOptions::default();
        let journal = match file {
            Some(file) => RedbJournal::open(file, options, WriterPlace::Thread),
            None => RedbJournal::in_memory(options, WriterPlace::Thread),
        };
        let journal = Arc::new(journal.expect("it opens"));
        let mail = Arc::new(InProcessMail::new(LedgerOptions::default()));
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: mail.clone(),
            messengers: Messengers::in_process(),
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let builder = Runtime::builder(journal.clone())
            .clock(Clock::starting_at(NOON.plus(after)))
            .entropy(Entropy::system());
        let runtime = shop(snapshot_every).open(builder, &ports).start().await;
        let town = Self {
            runtime: runtime.expect("it starts"),
            journal,
            mail,
        };
        join_all((1..=PRODUCTS).map(|number| town.stock(number))).await;
        town
    }

    /// Closes the shop, so that the next process finds the file free.
    pub(crate) async fn close(self) {
        self.runtime.stop().await.expect("it stops");
        self.journal.close().await.expect("a good disk");
    }

    pub(crate) async fn ask<C: Command>(&self, command: C) -> C::Reply
    where
        Rejection<C>: std::fmt::Debug,
    {
        let caller = Caller::system().within(PATIENCE);
        let answer = self.runtime.handle().ask(&caller, command).await;
        answer.expect("an answer")
    }

    /// Asks under a name: whoever asks again after a crash gets the first answer, and nothing happens
    /// a second time.
    pub(crate) async fn ask_once<C: Command>(&self, name: &str, command: C) -> C::Reply
    where
        Rejection<C>: std::fmt::Debug,
    {
        let caller = Caller::system()
            .within(PATIENCE)
            .keyed(CommandId::from_key(name));
        let answer = self.runtime.handle().ask(&caller, command).await;
        answer.expect("an answer")
    }

    async fn stock(&self, number: u64) {
        let receive = ReceiveStock {
            sku: sku(number),
            quantity: Quantity::new(1_000).expect("a quantity"),
        };
        self.ask_once(&format!("stock/{number}"), receive).await;
    }

    /// A visit: four products are looked at, and sometimes some are bought. What was done of it
    /// before the process was killed is not done again. It is over when all of it is learned.
    pub(crate) async fn visit(&self, number: u64) {
        let shopper = shopper(number);
        let path =
            [1, 3, 4, 8].map(|step| sku(1 + (number * 5 + step * (1 + number % 3)) % PRODUCTS));
        for (step, sku) in path.iter().enumerate() {
            let view = RecordView {
                shopper: shopper.clone(),
                sku: sku.clone(),
            };
            self.ask_once(&format!("view/{number}/{step}"), view).await;
        }
        if number.is_multiple_of(3) {
            let order = OrderId::new(format!("O{number}")).expect("an order");
            let skus = path[1..].to_vec();
            let basket = LearnBasket {
                order: order.clone(),
                skus: skus.clone(),
            };
            self.ask_once(&format!("basket/{number}"), basket).await;
            let purchase = RecordPurchase {
                shopper,
                order,
                skus,
            };
            self.ask_once(&format!("bought/{number}"), purchase).await;
        }
        self.until_learned().await;
    }

    /// Views are learned by a trigger, which is a commit behind.
    pub(crate) async fn until_learned(&self) {
        let recorded = self.journal.durable();
        let learned = || {
            let triggers = self.runtime.triggers().stats().expect("the triggers");
            let mut views = triggers.iter().filter(|it| it.name == "learn-from-view");
            views.all(|it| it.cursor >= recorded)
        };
        until("the views are learned", learned).await;
    }

    /// What the shop recommends after so many visits, as text: the same questions each time.
    pub(crate) async fn recommends(&self, visits: u64) -> String {
        let next = join_all((1..=6).map(|first| {
            let session = [(visits + 4 * first) % PRODUCTS, first];
            self.next(session.map(|number| sku(1 + number)).to_vec())
        }));
        let newest = shopper(visits.saturating_sub(1));
        let shelves = [
            (None, vec![sku(3), sku(2)], Showcase::ForYou),
            (None, vec![], Showcase::ForYou),
            (Some(newest), vec![], Showcase::ForYou),
            (Some(shopper(0)), vec![sku(5)], Showcase::CrossSell),
        ];
        let shown = shelves.map(|(who, session, shelf)| self.shelf(who, session, shelf));
        let (next, shown) = join(next, join_all(shown)).await;
        [next, shown].concat().join("\n")
    }

    async fn next(&self, session: Vec<Sku>) -> String {
        let next = NextProducts {
            visitor: None,
            session,
            wanted: 8,
        };
        serde_json::to_string(&self.ask(next).await).expect("text")
    }

    async fn shelf(&self, who: Option<CustomerId>, session: Vec<Sku>, shelf: Showcase) -> String {
        let request = BrowseRequest {
            shopper: who,
            session,
            situation: Situation::default(),
            shelf,
            limit: 6,
        };
        let caller = Caller::system().within(PATIENCE);
        let workflow = async |scope: &mercato::Scope| recommend(scope, request).await;
        let shown = self.runtime.handle().serve(&caller, workflow).await;
        serde_json::to_string(&shown.expect("it recommends")).expect("text")
    }

    /// Somebody asks the desk, under their own name.
    pub(crate) async fn say(&self, conversation: &ConversationId, text: &str) -> SupportAnswer {
        let query = CustomerQuery {
            conversation: conversation.clone(),
            text: PrivateText::new(text),
            order: None,
            product: None,
            channel: SupportChannel::Chat,
        };
        let caller = Caller::new(Principal::user(conversation.as_str())).within(PATIENCE);
        let workflow = async |scope: &mercato::Scope| answer_query(scope, query).await;
        let answer = self.runtime.handle().serve(&caller, workflow).await;
        answer.expect("it is answered")
    }

    pub(crate) async fn conversation(&self, conversation: &ConversationId) -> Conversation {
        let conversation = conversation.clone();
        self.ask(ShowConversation { conversation }).await
    }

    pub(crate) async fn profile(&self, customer: &CustomerId) -> Profile {
        let customer = customer.clone();
        let quintiles = None;
        let profile = CustomerProfile {
            customer,
            quintiles,
        };
        self.ask(profile).await
    }

    /// When the campaign's message for a customer is due: its flow is parked until then.
    pub(crate) async fn scheduled(&self, customer: &CustomerId) -> Timestamp {
        let flow = FlowId::new(format!("spring/{customer}"));
        let flows = self.runtime.flows();
        let due = || match flows.inspect(RUN_CAMPAIGN.name(), &flow).ok()?.state {
            FlowState::Parked { until } => Some(until),
            _ => None,
        };
        until("the campaign waits for its day", || due().is_some()).await;
        due().expect("it was parked a moment ago")
    }
}

/// Looks until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, looking).await;
    assert!(seen.is_ok(), "it took too long until {what}");
}

fn shop(snapshot_every: u64) -> Shop {
    let products = (1..=PRODUCTS).map(|number| Product {
        sku: sku(number),
        name: format!("product {number}").into(),
        description: "a thing".into(),
        category: format!("shelf {}", number % 5).into(),
        base_price: Money::new(
            500 + 10 * i64::try_from(number).expect("small"),
            Currency::GBP,
        ),
        cost: Money::new(200, Currency::GBP),
    });
    let mut shop = Shop::new(Arc::new(Catalogue::new(products).expect("a catalogue")));
    for agent in shop.agents.each_mut() {
        agent.snapshot_every_events = NonZeroU64::new(snapshot_every);
    }
    // What is tried out depends on how often somebody looked, which the test does more often here
    // than there.
    shop.rules.exploration_percent = 0;
    // Everybody gets the campaign.
    shop.marketing.holdout = HoldoutShare::new(0.0).expect("a share");
    shop.campaigns.push(TriggeredCampaign {
        on: Occasion::Consented,
        campaign: CampaignId::new("spring").expect("a name"),
        plan: CampaignPlan {
            delay: DELAY,
            ..CampaignPlan::by_mail(
                Purpose::Offers,
                [CustomerSegment::Prospect, CustomerSegment::New],
                ["Spring", "It is spring"].map(variant).to_vec(),
            )
        },
    });
    shop
}

fn variant(subject: &str) -> Template {
    Template {
        subject: subject.into(),
        body: "Hello {{ customer }}".into(),
        html: None,
    }
}

pub(crate) fn sku(number: u64) -> Sku {
    Sku::new(format!("S{number:02}")).expect("a sku")
}

fn shopper(visit: u64) -> CustomerId {
    CustomerId::new(format!("visitor-{visit}")).expect("a name")
}
