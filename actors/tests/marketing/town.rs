//! A shop with a scripted outside, in virtual time, on a disk that survives crashes.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_actors::*;
use mercato_runtime::testkit::{TestRuntime, TestWorld};
use mercato_runtime::{Command, FlowId, Rejection};

use super::*;

/// A mail gateway whose answers a test decides.
pub(crate) struct Post {
    pub(crate) gateway: InProcessMail,
    /// What it answers to the next calls, whether or not it acted before it does.
    script: Mutex<Vec<(MailError, bool)>>,
}

impl Post {
    fn new() -> Self {
        Self {
            gateway: InProcessMail::new(LedgerOptions::default()),
            script: Mutex::default(),
        }
    }

    /// The next call ends so; `acts` says whether the message goes out all the same.
    pub(crate) fn answers(&self, error: MailError, acts: bool) {
        self.script.lock().unwrap().insert(0, (error, acts));
    }

    /// The campaign's mails, by their keys.
    pub(crate) fn promotions(&self) -> Vec<MailEntry> {
        let mut ledger = self.gateway.ledger();
        ledger.retain(|entry| entry.message.stream == MessageStream::Promotional);
        ledger
    }
}

impl Mail for Post {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        let scripted = self.script.lock().unwrap().pop();
        async move {
            match scripted {
                Some((error, acts)) => {
                    if acts {
                        self.gateway.send(key, message).await?;
                    }
                    Err(error)
                }
                None => self.gateway.send(key, message).await,
            }
        }
        .boxed()
    }
}

pub(crate) struct Town {
    pub(crate) world: TestWorld,
    pub(crate) post: Arc<Post>,
    pub(crate) sms: Arc<InProcessMessenger>,
    pub(crate) push: Arc<InProcessMessenger>,
    pub(crate) social: Arc<InProcessMessenger>,
    pub(crate) campaigns: Vec<TriggeredCampaign>,
    pub(crate) settings: MarketingSettings,
}

impl Town {
    pub(crate) fn new() -> Self {
        let messenger = || Arc::new(InProcessMessenger::new(LedgerOptions::default()));
        Self {
            world: TestWorld::new(11),
            post: Arc::new(Post::new()),
            sms: messenger(),
            push: messenger(),
            social: messenger(),
            campaigns: Vec::new(),
            settings: MarketingSettings::default(),
        }
    }

    /// Opens the shop over what is on the disk.
    pub(crate) async fn open(&self) -> TestRuntime {
        let products = ["tea", "mug"].map(|name| Product {
            sku: Sku::new(name).unwrap(),
            name: name.into(),
            description: name.into(),
            category: "kitchen".into(),
            base_price: Money::new(1_000, Currency::GBP),
            cost: Money::new(400, Currency::GBP),
        });
        let mut shop = Shop::new(Arc::new(Catalogue::new(products).unwrap()));
        shop.follow_up = None;
        shop.campaigns = self.campaigns.clone();
        shop.marketing = self.settings.clone();
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: self.post.clone(),
            messengers: Messengers {
                sms: self.sms.clone(),
                push: self.push.clone(),
                social: self.social.clone(),
            },
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        self.world.start(|builder| shop.open(builder, &ports)).await
    }
}

pub(crate) fn ada() -> CustomerId {
    CustomerId::new("ada").unwrap()
}

pub(crate) async fn ask<C: Command>(shop: &TestRuntime, command: C) -> C::Reply
where
    Rejection<C>: std::fmt::Debug,
{
    shop.ask(command).await.unwrap()
}

/// Ada gives her address and agrees to offers by mail.
pub(crate) async fn subscribe(shop: &TestRuntime) {
    let person = ada().person().unwrap();
    let email = EmailAddress::new("ada@example.com").unwrap();
    let email = shop.handle().seal(&person, &email).unwrap();
    let customer = ada();
    ask(shop, RecordContact { customer, email }).await;
    let agree = RecordConsent {
        customer: ada(),
        ..consent(true)
    };
    ask(shop, agree).await;
}

pub(crate) fn spring(body: &str) -> CampaignPlan {
    let variant = |subject: &str| Template {
        subject: subject.into(),
        body: body.into(),
        html: Some("<p>{{ customer }}</p>".into()),
    };
    CampaignPlan::by_mail(
        Purpose::Offers,
        [CustomerSegment::Prospect, CustomerSegment::New],
        vec![variant("one"), variant("two")],
    )
}

/// Begins the campaign for Ada, and lets it go on by itself.
pub(crate) async fn begin(shop: &TestRuntime, plan: CampaignPlan) {
    let run = CampaignRun {
        campaign: campaign(),
        plan,
        customer: ada(),
        occasion: None,
    };
    let handle = shop.handle();
    tokio::spawn(async move {
        let caller = mercato_runtime::Caller::system();
        let id = FlowId::new("spring/ada");
        // Whether anybody waits for its end does not matter to it.
        let _ = handle.run(&caller, RUN_CAMPAIGN, id, run).await;
    });
    tokio::task::yield_now().await;
}
