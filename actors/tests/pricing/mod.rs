//! What Pricing promises, a file for each promise.

// Helpers stand outside the test functions, where clippy takes no test for one.
mod amounts_are_exact;
mod bad_input_is_refused;
mod changes_wait_for_approval_and_time;
mod coupons_keep_their_limits;
mod demand_is_learnt_from_sales;
mod every_price_is_explained;
mod no_shopper_makes_a_price;
mod prices_come_from_terms_and_rules;
mod prices_follow_the_market_gently;
mod prices_stay_within_limits;
mod promotions_stack_in_any_order;
mod quotes_are_locked;
mod was_prices_are_the_lowest_of_thirty_days;
mod whatever_is_asked;

use std::sync::Arc;
use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::testkit::{Given, given};
use mercato_runtime::{Principal, Timestamp};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// So many cases of each property; the run that counts has 100,000.
fn cases() -> u32 {
    let asked = std::env::var("MERCATO_PRICING_CASES");
    asked.ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

fn catalogue(base: i64, cost: i64) -> Arc<Catalogue> {
    let product = Product {
        sku: sku(),
        name: "tea".into(),
        description: "loose leaf".into(),
        category: "drinks".into(),
        base_price: gbp(base),
        cost: gbp(cost),
    };
    Arc::new(Catalogue::new([product]).unwrap())
}

/// A product with this base price and cost, in pence.
fn shelf_of(base: i64, cost: i64) -> Given<PricingAgent> {
    shelf_with(PricingSettings::default(), base, cost)
}

fn shelf_with(settings: PricingSettings, base: i64, cost: i64) -> Given<PricingAgent> {
    given(PricingAgent::new(settings, catalogue(base, cost)))
}

/// What is asked again and again.
trait Shelf {
    fn quote(&mut self, held: Option<HeldPrice>) -> Quote;
    fn unit(&mut self) -> i64;
    fn promote(&mut self, name: &str, off: i32) -> Result<(), PricingRejection>;
    fn plan(&mut self, name: &str, terms: PromotionTerms) -> Result<(), PricingRejection>;
    fn change(&mut self, name: &str, base: i64, cost: i64) -> Changed;
    fn why(&mut self, quote: &Quote) -> Result<PriceExplanation, PricingRejection>;
    fn shown(&mut self) -> ShelfPrice;
    fn see(&mut self, prices: &[(&str, i64)]) -> MarketSeen;
}

type Changed = Result<PriceChangeStage, PricingRejection>;

impl Shelf for Given<PricingAgent> {
    fn quote(&mut self, held: Option<HeldPrice>) -> Quote {
        self.ask(&QuotePrice {
            sku: sku(),
            segment: Segment::Standard,
            held,
        })
        .unwrap()
    }

    fn unit(&mut self) -> i64 {
        self.quote(None).unit.minor()
    }

    fn promote(&mut self, name: &str, off: i32) -> Result<(), PricingRejection> {
        let now = self.now();
        let off = BasisPoints::new(off);
        self.plan(name, PromotionTerms::share(off, now, now.plus(HOUR)))
    }

    fn plan(&mut self, name: &str, terms: PromotionTerms) -> Result<(), PricingRejection> {
        self.ask(&StartPromotion {
            sku: sku(),
            promotion: promotion(name),
            terms,
        })
    }

    fn change(&mut self, name: &str, base: i64, cost: i64) -> Changed {
        self.ask(&change(name, base, cost))
    }

    fn why(&mut self, quote: &Quote) -> Result<PriceExplanation, PricingRejection> {
        self.ask(&WhyThisPrice {
            sku: sku(),
            terms: PricingTerms::shelf(Currency::GBP),
            price: quote.hold(),
        })
    }

    fn shown(&mut self) -> ShelfPrice {
        self.ask(&ShowShelfPrice { sku: sku() }).unwrap()
    }

    fn see(&mut self, prices: &[(&str, i64)]) -> MarketSeen {
        let seen_at = self.now();
        let observed = prices.iter();
        self.ask(&RecordCompetitorPrices {
            sku: sku(),
            observed: observed
                .map(|(who, unit)| observed_at(who, *unit, seen_at))
                .collect(),
        })
        .unwrap()
    }
}

fn observed_at(who: &str, unit: i64, seen_at: Timestamp) -> CompetitorObservation {
    CompetitorObservation {
        source: CompetitorId::new(who).unwrap(),
        unit: gbp(unit),
        seen_at,
        confidence: BasisPoints::WHOLE,
    }
}

fn change(name: &str, base: i64, cost: i64) -> ChangePrice {
    ChangePrice {
        sku: sku(),
        change: PriceChangeId::new(name).unwrap(),
        terms: PriceChangeTerms {
            base: gbp(base),
            cost: gbp(cost),
            advertised_min: None,
            lifecycle: Lifecycle::Regular,
            at: None,
            reason: PriceReason::Merchant,
        },
    }
}

fn adjust(points: i32) -> AdjustStrategy {
    AdjustStrategy {
        sku: sku(),
        adjustment: BasisPoints::new(points),
        reason: PriceReason::LowStock,
    }
}

fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

fn promotion(name: &str) -> PromotionId {
    PromotionId::new(name).unwrap()
}

fn coupon(code: &str) -> CouponCode {
    CouponCode::new(code).unwrap()
}

fn quote_id(name: &str) -> QuoteId {
    QuoteId::new(name).unwrap()
}

fn customer(name: &str) -> CustomerId {
    CustomerId::new(name).unwrap()
}

fn operator(name: &str) -> Principal {
    Principal::Operator(name.into())
}

fn units(n: u32) -> Quantity {
    Quantity::new(n).unwrap()
}

fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

/// A coupon of this share, for everybody, for a day from `now` on.
fn coupon_of(share: i32, uses: u32, each: u32, now: Timestamp) -> CouponTerms {
    CouponTerms {
        off: Reduction::Share(BasisPoints::new(share)),
        cap: None,
        goods_min: None,
        stacking: Stacking::Stackable,
        on_promoted: true,
        uses_max: uses,
        uses_per_customer_max: each,
        starts: now,
        ends: now.plus(DAY),
    }
}
