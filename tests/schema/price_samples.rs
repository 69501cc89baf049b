//! Samples of what happens to prices, coupons and quotes.

use mercato::Principal;
use mercato::actors::{
    BasisPoints, CompetitorId, CompetitorPrice, CompetitorPricesRecorded, CouponClaimed,
    CouponCode, CouponIssued, CouponReleased, CouponTerms, CouponUse, CouponWithdrawn, CustomerId,
    DemandPeriodClosed, Elasticity, GivenBack, LevelReason, Lifecycle, LineQuote, ListPrice,
    PriceActivated, PriceChangeApproved, PriceChangeDropped, PriceChangeId, PriceChangeProposed,
    PriceChangeScheduled, PriceChangeTerms, PriceLevelMoved, PriceListSet, PriceReason, PriceStep,
    PromotionId, PromotionPlanned, PromotionTerms, Quantity, Quote, QuoteCancelled, QuoteId,
    QuoteIssued, QuoteReleased, QuotedLine, Reduction, SalesChannel, Segment, Stacking, TraceEntry,
};

use crate::schema::samples::{Sample, at, of, order, pounds, sku};

/// By owner and name, with the stored bytes.
pub fn by_hand() -> Vec<Sample> {
    let mut samples = of_price_changes();
    samples.extend(of_coupons_and_quotes());
    samples
}

fn of_price_changes() -> Vec<Sample> {
    let change = PriceChangeId::new("spring").expect("an id");
    let terms = PriceChangeTerms {
        base: pounds(450),
        cost: pounds(200),
        advertised_min: Some(pounds(400)),
        lifecycle: Lifecycle::Introduction,
        at: Some(at(2)),
        reason: PriceReason::RolledBack,
    };
    let by = Principal::Operator("buyer".into());
    let entry = ListPrice {
        channel: Some(SalesChannel::Store),
        segment: Some(Segment::Trade),
        quantity_from: Quantity::new(12).expect("a quantity"),
        from: at(1),
        until: Some(at(2)),
        unit: pounds(430),
        cost: Some(pounds(210)),
    };
    let source = |name| CompetitorId::new(name).expect("an id");
    let price = CompetitorPrice {
        unit: pounds(440),
        seen_at: at(1),
        confidence: BasisPoints::new(9_000),
    };
    let elasticity = Elasticity {
        mean_milli: -2_620,
        low_milli: -3_000,
        high_milli: -2_000,
        periods: 28,
    };
    vec![
        of(
            "pricing",
            "PromotionPlanned",
            &PromotionPlanned {
                promotion: PromotionId::new("spring").expect("an id"),
                terms: PromotionTerms {
                    off: Reduction::Amount(pounds(50)),
                    cap: Some(pounds(40)),
                    stacking: Stacking::Stackable,
                    priority: 2,
                    segments: [Segment::Loyal].into(),
                    channels: [SalesChannel::App].into(),
                    starts: at(2),
                    ends: at(3),
                },
                at: at(1),
            },
        ),
        of(
            "pricing",
            "CompetitorPricesRecorded",
            &CompetitorPricesRecorded {
                prices: [(source("high-street"), price)].into(),
                forgotten: vec![source("market")],
            },
        ),
        of(
            "pricing",
            "PriceListSet",
            &PriceListSet {
                entries: vec![entry],
                reason: PriceReason::Merchant,
            },
        ),
        of(
            "pricing",
            "PriceLevelMoved",
            &PriceLevelMoved {
                from: BasisPoints::new(-100),
                to: BasisPoints::new(300),
                reason: LevelReason::MarketAndDemand,
                market: Some(pounds(440)),
                elasticity: Some(elasticity),
                at: at(2),
            },
        ),
        of(
            "pricing",
            "PriceChangeProposed",
            &PriceChangeProposed {
                change: change.clone(),
                terms: terms.clone(),
                by: by.clone(),
            },
        ),
        of(
            "pricing",
            "PriceChangeApproved",
            &PriceChangeApproved {
                change: change.clone(),
                by: by.clone(),
            },
        ),
        of(
            "pricing",
            "PriceChangeScheduled",
            &PriceChangeScheduled {
                change: change.clone(),
                terms: terms.clone(),
                at: at(2),
            },
        ),
        of(
            "pricing",
            "PriceChangeDropped",
            &PriceChangeDropped {
                change: change.clone(),
                by,
            },
        ),
        of(
            "pricing",
            "PriceActivated",
            &PriceActivated {
                version: 2,
                change: Some(change),
                terms,
                at: at(2),
            },
        ),
        of(
            "pricing",
            "DemandPeriodClosed",
            &DemandPeriodClosed {
                shelf: pounds(450),
                units: 7,
                periods: 2,
            },
        ),
    ]
}

fn of_coupons_and_quotes() -> Vec<Sample> {
    let code = CouponCode::new("WELCOME").expect("a code");
    let holder = QuoteId::new("q1-1").expect("an id");
    let customer = CustomerId::new("c17").expect("an id");
    let terms = CouponTerms {
        off: Reduction::Share(BasisPoints::new(1_000)),
        cap: Some(pounds(500)),
        goods_min: Some(pounds(2_000)),
        stacking: Stacking::Exclusive,
        on_promoted: true,
        uses_max: 100,
        uses_per_customer_max: 1,
        starts: at(1),
        ends: at(9),
    };
    let step = PriceStep::Promotion;
    let line = QuotedLine {
        line: LineQuote {
            quote: Quote {
                sku: sku(),
                unit: pounds(405),
                revision: 3,
                quoted_at: at(1),
                valid_until: at(2),
                trace: vec![TraceEntry {
                    step,
                    unit: pounds(405),
                }],
            },
            quantity: Quantity::new(2).expect("a quantity"),
            lowest: pounds(210),
            shelf: pounds(450),
            promoted: true,
        },
        discount: pounds(81),
        net: pounds(729),
    };
    let used = CouponUse {
        code,
        holder: holder.clone(),
    };
    let owner = "pricing";
    vec![
        of(owner, "CouponIssued", &CouponIssued { terms }),
        of(
            owner,
            "CouponClaimed",
            &CouponClaimed {
                holder: holder.clone(),
                customer: customer.clone(),
                until: Some(at(2)),
            },
        ),
        of(
            owner,
            "CouponReleased",
            &CouponReleased {
                holder,
                because: GivenBack::Lapsed,
            },
        ),
        of(owner, "CouponWithdrawn", &CouponWithdrawn),
        of(
            owner,
            "QuoteIssued",
            &QuoteIssued {
                customer,
                order: Some(order()),
                lines: vec![line],
                coupons: vec![used.clone()],
                rules: 1,
                at: at(1),
                valid_until: at(2),
            },
        ),
        of(owner, "QuoteReleased", &QuoteReleased { order: order() }),
        of(
            owner,
            "QuoteCancelled",
            &QuoteCancelled {
                coupons: vec![used],
            },
        ),
    ]
}
