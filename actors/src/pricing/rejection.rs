//! Why Pricing refuses, and what to do about it. A refusal records nothing.

use mercato_runtime::Principal;
use serde::{Deserialize, Serialize};

use super::changes::PriceChangeStage;
use super::price_list::PriceListProblem;
use crate::domain::{
    BasisPoints, CouponCode, Currency, CustomerId, Money, MoneyError, PriceChangeId, PromotionId,
    QuoteId, Sku,
};

/// Why Pricing refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PricingRejection {
    /// Nobody ever gave the product a price.
    #[error("sku {0} has no price; set a base price or add it to the catalogue")]
    UnknownProduct(Sku),
    /// A price must be above zero, and a cost not below.
    #[error("price must be above zero and cost not below zero; correct the amount")]
    Amount,
    /// The shop prices in one currency.
    #[error("prices of this shop are in {expected}; convert the amount first")]
    Currency {
        /// The currency of the catalogue.
        expected: Currency,
    },
    /// The price list has no price in a currency.
    #[error("sku {sku} has no price in {currency}; put one into its price list")]
    NoPriceIn {
        /// The product.
        sku: Sku,
        /// The currency that was asked for.
        currency: Currency,
    },
    /// A price would lie below cost and margin, or below the lowest advertised price.
    #[error("price would lie below its floor of {floor}; raise it, or take off less")]
    BelowFloor {
        /// The lowest price that it may have.
        floor: Money,
    },
    /// A strategy moves prices only so far.
    #[error("adjustment is beyond {max} either way; choose a smaller one")]
    AdjustmentTooLarge {
        /// The furthest that a strategy may move a price.
        max: BasisPoints,
    },
    /// The price list cannot be.
    #[error("price list is wrong: {}", list(.0))]
    PriceList(Vec<PriceListProblem>),
    /// A promotion must take something off, and not everything.
    #[error("promotion must take off more than 0.00% and at most {max}; choose a share in between")]
    PromotionShare {
        /// The most that a promotion may take off.
        max: BasisPoints,
    },
    /// A promotion must end after it starts, and not lie in the past.
    #[error("promotion must end after it starts and after now; correct its times")]
    PromotionTimes,
    /// Another promotion has this id.
    #[error("promotion {0} exists with other terms; use another id")]
    PromotionDiffers(PromotionId),
    /// There are too many.
    #[error("sku has {max} promotions that have not ended; wait for one to end")]
    TooManyPromotions {
        /// The most that a SKU may have.
        max: u32,
    },
    /// There is no such promotion.
    #[error("promotion {0} is unknown or has ended; check its id")]
    UnknownPromotion(PromotionId),
    /// There is no such change, or it ended long ago.
    #[error("price change {0} is unknown; check its id")]
    UnknownChange(PriceChangeId),
    /// Another change has this id.
    #[error("price change {0} exists with other terms; use another id")]
    ChangeDiffers(PriceChangeId),
    /// Another change waits for the same moment.
    #[error("price change {0} takes effect at the same moment; drop it, or choose another time")]
    ChangesOverlap(PriceChangeId),
    /// There are too many.
    #[error("sku has {max} price changes that wait; approve or drop one")]
    TooManyChanges {
        /// The most that a SKU may have.
        max: u32,
    },
    /// The change stands where this cannot be done.
    #[error("price change is {stage}, so this cannot be done; make a new change")]
    ChangeStage {
        /// Where it stands.
        stage: PriceChangeStage,
    },
    /// A change needs a second person.
    #[error("price change needs the approval of an operator who did not propose it")]
    ApproverNeeded,
    /// There is no such version, or it is too long ago.
    #[error("version {version} of the price is not remembered; change the price instead")]
    UnknownVersion {
        /// The version that was asked for.
        version: u32,
    },
    /// The price is of a revision whose inputs are not remembered.
    #[error(
        "what that price was made of is remembered from revision {oldest} on; look into the order or the journal"
    )]
    RevisionForgotten {
        /// The earliest that is remembered.
        oldest: u64,
    },
    /// The price is not what was calculated then, on these terms and by the rules in force.
    #[error("no such price was quoted by the present rules; check its terms, moment and revision")]
    NeverQuoted,
    /// There is no such coupon, or it was withdrawn.
    #[error("coupon {0} is unknown; check the code")]
    UnknownCoupon(CouponCode),
    /// Another coupon has this code.
    #[error("coupon {0} exists with other terms; use another code")]
    CouponDiffers(CouponCode),
    /// The numbers of uses make no sense.
    #[error("coupon must have one to {max} uses, in all and for each customer; correct them")]
    CouponUses {
        /// The most uses that a coupon may have.
        max: u32,
    },
    /// The coupon is for another time.
    #[error("coupon {0} cannot be used now; look at its dates")]
    CouponNotNow(CouponCode),
    /// All uses are taken.
    #[error("coupon {0} is used up; take it out of the cart")]
    CouponUsedUp(CouponCode),
    /// The customer's uses are taken.
    #[error("coupon {0} was used by this customer as often as it may be; take it out of the cart")]
    CouponUsedByCustomer(CouponCode),
    /// The use is somebody else's.
    #[error("coupon {0} is held for this quote by another customer; use another quote")]
    CouponHeld(CouponCode),
    /// The coupon goes together with no other.
    #[error("coupon {0} goes together with no other; leave it or the others out")]
    CouponStandsAlone(CouponCode),
    /// The goods cost too little.
    #[error("the goods cost less than coupon {0} asks for; add some, or take it out")]
    CouponGoods(CouponCode),
    /// A quote has one to a hundred lines, each of another SKU.
    #[error("a quote has one to a hundred lines, each of another sku; correct the cart")]
    QuoteLines,
    /// There is no such quote, or it is somebody else's.
    #[error("quote {0} is unknown; ask for a new one")]
    UnknownQuote(QuoteId),
    /// The quote, or a price in it, has outlived its lifetime.
    #[error("quote {0} has expired; ask for a new one")]
    QuoteExpired(QuoteId),
    /// Another order took the quote, or it was cancelled.
    #[error("quote {0} was taken for another order or cancelled; ask for a new one")]
    QuoteTaken(QuoteId),
    /// The cart is not the one that was quoted.
    #[error("quote {0} is for other goods; ask for a new one")]
    QuoteDiffers(QuoteId),
    /// A price list makes a change that needs a second person.
    #[error(
        "price list would move a price or floor from {before} to {after}, by more than {most}; go in \
         steps, or change the base price, which can be approved"
    )]
    ListChangeTooLarge {
        /// The price or floor before.
        before: Money,
        /// The same with the list.
        after: Money,
        /// The furthest that one person may move it.
        most: BasisPoints,
    },
    /// A calculation has no result.
    #[error("price cannot be calculated: {0}")]
    Money(#[from] MoneyError),
    /// Prices, promotions and coupons are the shop's own people's and programs' to make.
    #[error(
        "this is the shop's to do; a shopper asks for prices, and takes a quote through a cart"
    )]
    NotStaff,
    /// A coupon is used by whoever it is counted for.
    #[error("a coupon is used in one's own name; sign in with that account")]
    NotYours,
}

/// What only the shop's own people and programs may do.
pub(super) fn staff(principal: &Principal) -> Result<(), PricingRejection> {
    match principal.as_user() {
        Some(_) => Err(PricingRejection::NotStaff),
        None => Ok(()),
    }
}

/// The shop's own people and programs may; a shopper only in their own name.
pub(super) fn own(customer: &CustomerId, principal: &Principal) -> Result<(), PricingRejection> {
    match principal.as_user() {
        Some(asking) if asking != customer.as_str() => Err(PricingRejection::NotYours),
        _ => Ok(()),
    }
}

fn list(problems: &[PriceListProblem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
