//! The Pricing agent: what things cost, and why.
//!
//! Its entities are of three kinds. Of a **SKU** it is recorded what a price is made of (base price,
//! list, strategy, level, promotions, competitors), with the reasons; a price itself is calculated
//! from that on demand, by the same steps each time, and carries the trace of them. A **coupon**
//! counts its uses. A **quote** is the price of a whole cart, locked for its lifetime.
//!
//! # Why was this price so?
//!
//! A price names the revision of its inputs and the moment that it was calculated for; so
//! [`WhyThisPrice`] works it out again, with everything that each step looked at. What a cart was
//! quoted is recorded whole, and [`ShowQuote`] gives it.

mod basket;
mod calculate;
mod cart_quote;
mod cart_quote_commands;
mod change_commands;
mod changes;
mod commands;
mod competitors;
mod coupon;
mod coupon_commands;
mod coupon_hand_over;
mod demand;
mod dynamic;
mod elasticity;
mod events;
mod history;
mod limits;
mod list_changes;
mod price_list;
mod promotions;
mod quote;
mod rejection;
mod reprice;
mod rollback;
mod rules;
mod sale_events;
mod settings;
mod shelf;
mod state;
mod terms;
mod trace;
mod triggers;

use std::sync::Arc;

use mercato_runtime::{Agent, Commands};
use serde::{Deserialize, Serialize};

use crate::domain::{BasisPoints, Catalogue};

pub(crate) use basket::divide_within;
pub use basket::{HeldCoupon, PricedBasket, QuotedLine, price_basket};
pub use cart_quote::{CartQuote, CartQuoteState, CouponUse, QuoteStage};
pub use cart_quote_commands::{
    AcceptQuote, CancelQuote, ConfirmQuote, IssueQuote, ReleaseQuote, ShowQuote,
};
pub use change_commands::{ActivatePriceChange, ApprovePriceChange, ChangePrice, DropPriceChange};
pub use changes::{PriceChangeStage, PriceChangeTerms, PriceVersion};
pub use commands::{
    AdjustStrategy, PausePromotion, PriceRecommendation, SetPriceList, StartPromotion,
};
pub use competitors::{CompetitorPrice, CompetitorPrices, IgnoredBecause};
pub use coupon::{Coupon, CouponTerms, GivenBack};
pub use coupon_commands::{
    CheckCoupon, ClaimCoupon, CouponHold, IssueCoupon, LapseClaims, ReleaseCoupon, WithdrawCoupon,
};
pub use coupon_hand_over::TakeOverCoupon;
pub use demand::{ObserveSale, ShowElasticity};
pub use dynamic::{LevelHeld, LevelReason};
pub use elasticity::Elasticity;
pub use events::{
    BasePriceSet, CompetitorPriceRecorded, CompetitorPricesRecorded, DemandPeriodClosed, Lifecycle,
    PriceActivated, PriceChangeApproved, PriceChangeDropped, PriceChangeProposed,
    PriceChangeScheduled, PriceLevelMoved, PriceListSet, PriceReason, PricingEvent,
    PromotionPaused, PromotionPlanned, PromotionStarted, SaleObserved, ShelfPriceShown,
    StrategyAdjusted,
};
pub use history::{PriceHistory, PriorPrice, ShownPrice};
pub use limits::PriceLimit;
pub use price_list::{ListPrice, PriceList, PriceListProblem};
pub use promotions::{NotApplied, Promotion, PromotionTerms, Reduction, Stacking};
pub use quote::{LineQuote, PriceExplanation, Quote, QuoteLine, QuotePrice, WhyThisPrice};
pub use rejection::PricingRejection;
pub use reprice::{MarketSeen, RecordCompetitorPrices, Reprice, Repriced};
pub use rollback::{RollBackPrice, ShowPriceVersions};
pub use rules::{InvalidRules, Rule, RuleBook, RuleCondition, RuleEffect, RuleProblem};
pub use sale_events::{
    CouponClaimed, CouponIssued, CouponReleased, CouponWithdrawn, QuoteAccepted, QuoteCancelled,
    QuoteIssued, QuoteReleased, QuoteSold,
};
pub use settings::{ElasticityPrior, PricingSettings};
pub use shelf::{LookAtShelf, ShelfPrice, ShowShelfPrice};
pub use state::{PriceInputs, PriceState};
pub use terms::{PricingTerms, SalesChannel, Segment};
pub use trace::{PriceStep, TraceEntry, TraceNote};
pub use triggers::pricing_triggers;

/// The agent that owns prices.
#[derive(Debug, Clone)]
pub struct PricingAgent {
    settings: PricingSettings,
    catalogue: Arc<Catalogue>,
    /// The highest rate of tax that a price may hold; zero where prices are before tax.
    tax_in_prices: BasisPoints,
    #[cfg(feature = "planted-bugs")]
    pub(crate) honours_expired: bool,
}

impl PricingAgent {
    /// Pricing over a catalogue, whose prices hold until others are set.
    #[must_use]
    pub fn new(settings: PricingSettings, catalogue: Arc<Catalogue>) -> Self {
        Self {
            settings,
            catalogue,
            tax_in_prices: BasisPoints::ZERO,
            #[cfg(feature = "planted-bugs")]
            honours_expired: false,
        }
    }

    /// The same where prices hold their tax, at this rate at most: what a product costs, and the margin
    /// on it, must be left of every price when its tax is paid.
    #[must_use]
    pub fn with_tax_in_prices(mut self, rate_max: BasisPoints) -> Self {
        self.tax_in_prices = rate_max;
        self
    }
}

/// One entity of the Pricing agent; its key says which.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum PricingState {
    /// Before the first event.
    #[default]
    New,
    /// `<sku>`.
    Price(Box<PriceState>),
    /// `coupon/<code>`.
    Coupon(Box<Coupon>),
    /// `quote/<quote>`.
    Quote(Box<CartQuoteState>),
}

impl PricingState {
    /// The price of a SKU.
    #[must_use]
    pub fn price(&self) -> &PriceState {
        static UNKNOWN: PriceState = PriceState::unknown();
        match self {
            Self::Price(price) => price,
            _ => &UNKNOWN,
        }
    }

    /// The coupon.
    #[must_use]
    pub fn coupon(&self) -> &Coupon {
        static UNKNOWN: Coupon = Coupon::unknown();
        match self {
            Self::Coupon(coupon) => coupon,
            _ => &UNKNOWN,
        }
    }

    /// The quote.
    #[must_use]
    pub fn quote(&self) -> &CartQuoteState {
        static UNKNOWN: CartQuoteState = CartQuoteState::unknown();
        match self {
            Self::Quote(quote) => quote,
            _ => &UNKNOWN,
        }
    }
}

impl Agent for PricingAgent {
    const NAME: &'static str = "pricing";
    const STATE_VERSION: u16 = 2;
    type State = PricingState;
    type Event = PricingEvent;
    type Rejection = PricingRejection;

    fn evolve(state: &mut PricingState, event: &PricingEvent) {
        use PricingEvent as E;
        if matches!(state, PricingState::New) {
            *state = match event {
                E::CouponIssued(_) => PricingState::Coupon(Box::default()),
                E::QuoteIssued(_) => PricingState::Quote(Box::default()),
                _ => PricingState::Price(Box::default()),
            };
        }
        match state {
            PricingState::New => {}
            PricingState::Price(price) => price.apply(event),
            PricingState::Coupon(coupon) => coupon.apply(event),
            PricingState::Quote(quote) => quote.apply(event),
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands
            .add::<ChangePrice>()
            .add::<ApprovePriceChange>()
            .add::<DropPriceChange>()
            .add::<ActivatePriceChange>()
            .add::<RollBackPrice>()
            .add::<ShowPriceVersions>()
            .add::<SetPriceList>()
            .add::<AdjustStrategy>()
            .add::<StartPromotion>()
            .add::<PausePromotion>()
            .add::<RecordCompetitorPrices>()
            .add::<Reprice>()
            .add::<ObserveSale>()
            .add::<ShowElasticity>()
            .add::<LookAtShelf>()
            .add::<ShowShelfPrice>()
            .add::<QuotePrice>()
            .add::<QuoteLine>()
            .add::<WhyThisPrice>()
            .add::<IssueCoupon>()
            .add::<ClaimCoupon>()
            .add::<TakeOverCoupon>()
            .add::<ReleaseCoupon>()
            .add::<LapseClaims>()
            .add::<WithdrawCoupon>()
            .add::<CheckCoupon>()
            .add::<IssueQuote>()
            .add::<AcceptQuote>()
            .add::<ReleaseQuote>()
            .add::<ConfirmQuote>()
            .add::<CancelQuote>()
            .add::<ShowQuote>();
    }
}
