//! What the shop's people do about prices on a day: promotions, a coupon, changes that are approved,
//! planned and taken back, and looks at the market.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato_actors::runtime::{AskError, Caller, FlowId, Handle, Principal, Timestamp};
use mercato_actors::{
    ApprovePriceChange, BasisPoints, ChangePrice, CompetitorId, CompetitorObservation, CouponCode,
    CouponTerms, InProcessCompetitors, IssueCoupon, Lifecycle, ListPrice, MARKET_SKUS_MAX,
    MarketWatch, Money, PriceChangeId, PriceChangeStage, PriceChangeTerms, PriceReason,
    PricingRejection, Product, PromotionId, PromotionTerms, Quantity, Reduction, RollBackPrice,
    Segment, SetPriceList, Stacking, StartPromotion, WATCH_MARKET,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::error::SimulationError;
use crate::observer::Observer;
use crate::stocking::Range;
use crate::visit::lock;

/// How long the shop's people wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many products are promoted: every tenth, and the others are not.
const PROMOTED_EVERY: usize = 10;
/// What a promotion takes off.
const OFF: BasisPoints = BasisPoints::new(1_000);
/// What somebody tries to take off, below the floor of what the day's products cost.
const TOO_MUCH: BasisPoints = BasisPoints::new(5_000);
/// What traders pay less for a crate.
const CRATE: BasisPoints = BasisPoints::new(-300);
/// How often the market is looked at.
const LOOKS: u32 = 4;
/// Who sells the same things, and how far they are believed.
const COMPETITORS: [(&str, i32); 3] = [
    ("high-street", 9_000),
    ("market", 7_000),
    ("bargain", 4_000),
];
/// Of a hundred prices of a competitor so many are of another article.
const WRONG_PERCENT: u32 = 5;

/// The coupon of a run.
pub(crate) fn coupon_of(run: u64) -> Option<CouponCode> {
    CouponCode::new(format!("WELCOME{run}")).ok()
}

/// The shop's people, and what they look at.
pub(crate) struct Merchant {
    pub(crate) handle: Handle,
    pub(crate) range: Range,
    pub(crate) feed: Arc<InProcessCompetitors>,
    pub(crate) observer: Arc<Mutex<Observer>>,
    pub(crate) rng: ChaCha8Rng,
    /// Names that differ between the runs of one store end with this.
    pub(crate) run: u64,
    /// How long the shop is open.
    pub(crate) day: Duration,
    /// How often the coupon may be used.
    pub(crate) coupon_uses: u32,
}

impl Merchant {
    /// A day's work.
    ///
    /// # Errors
    /// When the shop refuses or cannot do what no rule of it forbids.
    pub(crate) async fn work(mut self) -> Result<(), SimulationError> {
        let opened = self.handle.clock().now();
        self.issue_coupon(opened).await?;
        self.start_promotions(opened).await?;
        self.change_prices(opened).await?;
        for look in 0..LOOKS {
            let at = opened.plus(self.day * look / LOOKS);
            self.handle.clock().sleep_until(at).await;
            self.look_at_market(look).await?;
        }
        Ok(())
    }

    fn buyer(&self) -> Caller {
        Caller::new(Principal::Operator("buyer".into())).within(PATIENCE)
    }

    fn manager(&self) -> Caller {
        Caller::new(Principal::Operator("manager".into())).within(PATIENCE)
    }

    async fn issue_coupon(&self, opened: Timestamp) -> Result<(), SimulationError> {
        let Some(code) = coupon_of(self.run) else {
            return Ok(());
        };
        let terms = CouponTerms {
            off: Reduction::Share(OFF),
            cap: None,
            goods_min: None,
            stacking: Stacking::Exclusive,
            on_promoted: false,
            uses_max: self.coupon_uses.max(1),
            uses_per_customer_max: 1,
            starts: opened,
            ends: opened.plus(self.day * 2),
        };
        let issue = IssueCoupon { code, terms };
        let issued = self.handle.ask(&self.buyer(), issue).await;
        issued.map_err(|error| idle(&error))
    }

    /// Promotes some products, and tries to promote others below what they cost.
    async fn start_promotions(&self, opened: Timestamp) -> Result<(), SimulationError> {
        let (starts, ends) = (opened.plus(self.day / 10), opened.plus(self.day / 2));
        for (place, product) in self
            .range
            .catalogue
            .iter()
            .enumerate()
            .step_by(PROMOTED_EVERY)
        {
            let off = if place % (2 * PROMOTED_EVERY) == 0 {
                OFF
            } else {
                TOO_MUCH
            };
            let Ok(promotion) = PromotionId::new(format!("day{}", self.run)) else {
                continue;
            };
            let start = StartPromotion {
                sku: product.sku.clone(),
                promotion,
                terms: PromotionTerms::share(off, starts, ends),
            };
            match self.handle.ask(&self.buyer(), start).await {
                Ok(()) => {}
                Err(AskError::Rejected(PricingRejection::BelowFloor { .. })) => {
                    lock(&self.observer).promotions_refused += 1;
                }
                Err(error) => return Err(idle(&error)),
            }
        }
        Ok(())
    }

    /// Four products: a price list, a large change that a manager approves, a planned one, and one
    /// that is taken back at once.
    async fn change_prices(&self, opened: Timestamp) -> Result<(), SimulationError> {
        let products: Vec<Product> = self
            .range
            .catalogue
            .iter()
            .skip(1)
            .take(4)
            .cloned()
            .collect();
        if let [listed, raised, planned, mistaken] = products.as_slice() {
            self.list_crates(listed, opened).await?;
            let stage = self.change(raised, "raised", 2_500, None).await?;
            if stage == PriceChangeStage::Proposed
                && let Some(change) = self.change_id("raised")
            {
                let sku = raised.sku.clone();
                let approved = ApprovePriceChange { sku, change };
                let approved = self.handle.ask(&self.manager(), approved).await;
                approved.map_err(|error| idle(&error))?;
            }
            let noon = opened.plus(self.day / 2);
            self.change(planned, "planned", 500, Some(noon)).await?;
            let stage = self.change(mistaken, "mistaken", -1_000, None).await?;
            if let PriceChangeStage::Activated { version } = stage {
                let sku = mistaken.sku.clone();
                let back = RollBackPrice {
                    sku,
                    to: version.saturating_sub(1),
                };
                let back = self.handle.ask(&self.buyer(), back).await;
                back.map_err(|error| idle(&error))?;
            }
        }
        Ok(())
    }

    async fn list_crates(
        &self,
        product: &Product,
        opened: Timestamp,
    ) -> Result<(), SimulationError> {
        let unit = product.base_price.adjusted(CRATE);
        let entry = ListPrice {
            channel: None,
            segment: Some(Segment::Trade),
            quantity_from: Quantity::ONE,
            from: opened,
            until: None,
            unit: unit.map_err(|error| idle(&error))?,
            cost: None,
        };
        let set = SetPriceList {
            sku: product.sku.clone(),
            entries: vec![entry],
            reason: PriceReason::Merchant,
        };
        let set = self.handle.ask(&self.buyer(), set).await;
        set.map_err(|error| idle(&error))
    }

    fn change_id(&self, name: &str) -> Option<PriceChangeId> {
        PriceChangeId::new(format!("{name}{}", self.run)).ok()
    }

    async fn change(
        &self,
        product: &Product,
        name: &str,
        by: i32,
        at: Option<Timestamp>,
    ) -> Result<PriceChangeStage, SimulationError> {
        let change = self.change_id(name);
        let change = change.ok_or_else(|| idle(&"a change cannot be named"))?;
        let base = product.base_price.adjusted(BasisPoints::new(by));
        let terms = PriceChangeTerms {
            base: base.map_err(|error| idle(&error))?,
            cost: product.cost,
            advertised_min: None,
            lifecycle: Lifecycle::Regular,
            at,
            reason: PriceReason::Merchant,
        };
        let sku = product.sku.clone();
        let ask = ChangePrice { sku, change, terms };
        let changed = self.handle.ask(&self.buyer(), ask).await;
        changed.map_err(|error| idle(&error))
    }

    /// Competitors have new prices, and the shop looks at them.
    async fn look_at_market(&mut self, look: u32) -> Result<(), SimulationError> {
        let seen_at = self.handle.clock().now();
        let products: Vec<Product> = self
            .range
            .catalogue
            .iter()
            .take(MARKET_SKUS_MAX)
            .cloned()
            .collect();
        for product in &products {
            for (name, confidence) in COMPETITORS {
                let Ok(source) = CompetitorId::new(name) else {
                    continue;
                };
                let wrong = self.rng.random_range(0..100) < WRONG_PERCENT;
                let percent = if wrong {
                    1_000
                } else {
                    self.rng.random_range(80..=110)
                };
                let base = product.base_price;
                let observation = CompetitorObservation {
                    source,
                    unit: Money::new((base.minor() * percent / 100).max(1), base.currency()),
                    seen_at,
                    confidence: BasisPoints::new(confidence),
                };
                self.feed.see(product.sku.clone(), observation);
            }
        }
        let skus = products.into_iter().map(|product| product.sku).collect();
        let id = FlowId::new(format!("market{}-{look}", self.run));
        let watch = MarketWatch { skus };
        let caller = Caller::system().within(PATIENCE);
        let watched = self.handle.run(&caller, WATCH_MARKET, id, watch).await;
        watched.map(drop).map_err(|error| idle(&error))
    }
}

fn idle(problem: &dyn std::fmt::Display) -> SimulationError {
    SimulationError::Merchant(problem.to_string())
}
