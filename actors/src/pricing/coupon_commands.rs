//! Issuing coupons, and taking and giving back their uses.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::coupon::{Coupon, CouponTerms, GivenBack};
use super::promotions::Reduction;
use super::rejection::{own, staff};
use super::sale_events::{CouponClaimed, CouponIssued, CouponReleased, CouponWithdrawn};
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{BasisPoints, CouponCode, CustomerId, QuoteId};

/// The timer for the next use that lapses.
const LAPSE_TIMER: &str = "lapse";

pub(super) fn coupon_key(code: &CouponCode) -> Cow<'_, str> {
    format!("coupon/{code}").into()
}

/// Issues a coupon. Repeating it with the same terms changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueCoupon {
    /// How it is typed in.
    pub code: CouponCode,
    /// Its terms.
    pub terms: CouponTerms,
}

impl Command for IssueCoupon {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "IssueCoupon";

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        match &state.coupon().terms {
            Some(present) if *present == self.terms => return Ok(Decision::reply(())),
            Some(_) => return Err(PricingRejection::CouponDiffers(self.code.clone())),
            None => {}
        }
        let terms = &self.terms;
        match terms.off {
            Reduction::Share(share) => {
                let max = agent.settings.promotion_max;
                if share <= BasisPoints::ZERO || share > max {
                    return Err(PricingRejection::PromotionShare { max });
                }
            }
            Reduction::Amount(amount) => agent.check_price(amount)?,
        }
        for amount in [terms.cap, terms.goods_min].into_iter().flatten() {
            agent.check_price(amount)?;
        }
        let max = agent.settings.coupon_uses_max;
        let uses = 1..=max;
        if !uses.contains(&terms.uses_max) || !uses.contains(&terms.uses_per_customer_max) {
            return Err(PricingRejection::CouponUses { max });
        }
        if terms.ends <= terms.starts || terms.ends <= context.now {
            return Err(PricingRejection::PromotionTimes);
        }
        let terms = terms.clone();
        Ok(Decision::reply(()).record(CouponIssued { terms }))
    }
}

/// Takes a use of a coupon, atomically: there is one writer of it, and it counts. A second claim
/// for the same quote is the same use; it may be kept longer by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCoupon {
    /// The coupon.
    pub code: CouponCode,
    /// The quote that it is for.
    pub holder: QuoteId,
    /// Who uses it.
    pub customer: CustomerId,
    /// For how long.
    pub hold: CouponHold,
}

/// For how long a use is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CouponHold {
    /// For the lifetime of a quote; then it lapses by itself.
    WhileQuoted,
    /// Until it is given back.
    ForGood,
}

impl Command for ClaimCoupon {
    type Agent = PricingAgent;
    type Reply = CouponTerms;
    const NAME: &'static str = "ClaimCoupon";

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        match self.hold {
            CouponHold::WhileQuoted => own(&self.customer, context.principal)?,
            // It is an order that keeps one, and a checkout that has looked whose the order is.
            CouponHold::ForGood => staff(context.principal)?,
        }
        let coupon = state.coupon();
        let lapsed: Vec<QuoteId> = coupon.lapsed(context.now);
        let until = match self.hold {
            CouponHold::WhileQuoted => Some(context.now.plus(agent.settings.quote_lifetime)),
            CouponHold::ForGood => None,
        };
        let held = (coupon.claims.get(&self.holder)).filter(|_| !lapsed.contains(&self.holder));
        let terms = match held {
            Some(claim) if claim.customer != self.customer => {
                return Err(PricingRejection::CouponHeld(self.code.clone()));
            }
            Some(claim) if claim.until.is_none() || until.is_some() => {
                let terms = coupon.terms.clone();
                let terms = terms.ok_or_else(|| self.unknown())?;
                return Ok(Decision::reply(terms));
            }
            Some(_) => coupon.terms.as_ref().ok_or_else(|| self.unknown())?,
            None => usable(coupon, &self.code, &self.customer, &lapsed, context.now)?,
        };
        let mut settled = lapsed.clone();
        settled.push(self.holder.clone());
        let next = coupon.next_lapse(&settled).into_iter();
        let next = next.chain(until).min();
        let decision = give_back_lapsed(Decision::reply(terms.clone()), lapsed);
        let decision = decision.record(CouponClaimed {
            holder: self.holder.clone(),
            customer: self.customer.clone(),
            until,
        });
        Ok(lapse_at(decision, &self.code, next))
    }
}

impl ClaimCoupon {
    fn unknown(&self) -> PricingRejection {
        PricingRejection::UnknownCoupon(self.code.clone())
    }
}

pub(super) type Deciding<R> = Decision<super::events::PricingEvent, R>;

pub(super) fn give_back_lapsed<R>(decision: Deciding<R>, lapsed: Vec<QuoteId>) -> Deciding<R> {
    decision.record_all(lapsed.into_iter().map(|holder| CouponReleased {
        holder,
        because: GivenBack::Lapsed,
    }))
}

pub(super) fn lapse_at<R>(
    decision: Deciding<R>,
    code: &CouponCode,
    at: Option<Timestamp>,
) -> Deciding<R> {
    match at {
        Some(at) => decision.set_timer(LAPSE_TIMER, at, &LapseClaims { code: code.clone() }),
        None => decision.clear_timer(LAPSE_TIMER),
    }
}

/// The terms of a coupon that a customer can use now, once the lapsed uses are given back.
pub(super) fn usable<'a>(
    coupon: &'a Coupon,
    code: &CouponCode,
    customer: &CustomerId,
    lapsed: &[QuoteId],
    now: Timestamp,
) -> Result<&'a CouponTerms, PricingRejection> {
    // Of a coupon that was withdrawn nobody needs to know that it was.
    let terms = (coupon.terms.as_ref()).filter(|_| !coupon.withdrawn);
    let terms = terms.ok_or_else(|| PricingRejection::UnknownCoupon(code.clone()))?;
    if now < terms.starts || terms.ends <= now {
        return Err(PricingRejection::CouponNotNow(code.clone()));
    }
    let gone = u32::try_from(lapsed.len()).unwrap_or(u32::MAX);
    if coupon.uses().saturating_sub(gone) >= terms.uses_max {
        return Err(PricingRejection::CouponUsedUp(code.clone()));
    }
    let own = lapsed.iter().filter_map(|holder| coupon.claims.get(holder));
    let own = own.filter(|claim| claim.customer == *customer).count();
    let own = u32::try_from(own).unwrap_or(u32::MAX);
    if coupon.uses_of(customer).saturating_sub(own) >= terms.uses_per_customer_max {
        return Err(PricingRejection::CouponUsedByCustomer(code.clone()));
    }
    Ok(terms)
}

/// Gives a use back. Idempotent: what is not held is given back already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseCoupon {
    /// The coupon.
    pub code: CouponCode,
    /// The quote that it was for.
    pub holder: QuoteId,
}

impl Command for ReleaseCoupon {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "ReleaseCoupon";

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let (coupon, decision) = (state.coupon(), Decision::reply(()));
        if !coupon.claims.contains_key(&self.holder) {
            return Ok(decision);
        }
        let decision = decision.record(CouponReleased {
            holder: self.holder.clone(),
            because: GivenBack::Cancelled,
        });
        let next = coupon.next_lapse(std::slice::from_ref(&self.holder));
        Ok(lapse_at(decision, &self.code, next))
    }
}

/// Gives back the uses whose time is over. A timer gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LapseClaims {
    /// The coupon.
    pub code: CouponCode,
}

impl Command for LapseClaims {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "LapseClaims";

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let coupon = state.coupon();
        let lapsed = coupon.lapsed(context.now);
        let next = coupon.next_lapse(&lapsed);
        let decision = give_back_lapsed(Decision::reply(()), lapsed);
        Ok(lapse_at(decision, &self.code, next))
    }
}

/// Lets nobody use a coupon any more. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawCoupon {
    /// The coupon.
    pub code: CouponCode,
}

impl Command for WithdrawCoupon {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "WithdrawCoupon";

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let coupon = state.coupon();
        if coupon.terms.is_none() {
            return Err(PricingRejection::UnknownCoupon(self.code.clone()));
        }
        let withdrawn = (!coupon.withdrawn).then_some(CouponWithdrawn);
        Ok(Decision::reply(()).record_all(withdrawn))
    }
}

/// Asks for the terms of a coupon, where this customer can use it now. Nothing is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCoupon {
    /// The coupon.
    pub code: CouponCode,
    /// Who would use it.
    pub customer: CustomerId,
}

impl Command for CheckCoupon {
    type Agent = PricingAgent;
    type Reply = CouponTerms;
    const NAME: &'static str = "CheckCoupon";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        coupon_key(&self.code)
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let (coupon, now) = (state.coupon(), context.now);
        let lapsed = coupon.lapsed(now);
        let terms = usable(coupon, &self.code, &self.customer, &lapsed, now)?;
        Ok(Decision::reply(terms.clone()))
    }
}
