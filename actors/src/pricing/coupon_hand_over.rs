//! Handing a use of a coupon from the quote of a cart to the order that takes it.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision};
use serde::{Deserialize, Serialize};

use super::coupon::{CouponTerms, GivenBack};
use super::coupon_commands::{coupon_key, give_back_lapsed, lapse_at, usable};
use super::rejection::staff;
use super::sale_events::{CouponClaimed, CouponReleased};
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{CouponCode, CustomerId, QuoteId};

/// Takes a use of a coupon for an order, for good: the one that the quote of its cart holds, or, where
/// that holds none any more, another one. It is held under the order's own name: a quote that an order
/// gave back is taken by the next one, and what the first order gives back late must not be the use of
/// the second. Repeating it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeOverCoupon {
    /// The coupon.
    pub code: CouponCode,
    /// The quote that may hold a use.
    pub from: QuoteId,
    /// The quote of the order, which holds it from now on.
    pub holder: QuoteId,
    /// Who uses it.
    pub customer: CustomerId,
}

impl Command for TakeOverCoupon {
    type Agent = PricingAgent;
    type Reply = CouponTerms;
    const NAME: &'static str = "TakeOverCoupon";

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
        let lapsed: Vec<QuoteId> = coupon.lapsed(context.now);
        let held_by = |holder: &QuoteId| {
            let claim = coupon.claims.get(holder);
            claim.filter(|_| !lapsed.contains(holder))
        };
        let known = || {
            let terms = coupon.terms.as_ref();
            terms.ok_or_else(|| PricingRejection::UnknownCoupon(self.code.clone()))
        };
        // What is held for good is an order's that is on its way: its own, or another one's.
        let quoted = held_by(&self.from).filter(|claim| claim.until.is_some());
        let own = held_by(&self.holder);
        if [own, quoted]
            .iter()
            .flatten()
            .any(|claim| claim.customer != self.customer)
        {
            return Err(PricingRejection::CouponHeld(self.code.clone()));
        }
        let terms = match (own, quoted) {
            (Some(claim), _) if claim.until.is_none() => {
                return Ok(Decision::reply(known()?.clone()));
            }
            (Some(_), _) | (_, Some(_)) => known()?,
            (None, None) => usable(coupon, &self.code, &self.customer, &lapsed, context.now)?,
        };
        let mut settled = lapsed.clone();
        settled.extend([self.from.clone(), self.holder.clone()]);
        let next = coupon.next_lapse(&settled);
        let decision = give_back_lapsed(Decision::reply(terms.clone()), lapsed);
        let decision = decision.record_all(quoted.map(|_| CouponReleased {
            holder: self.from.clone(),
            because: GivenBack::TakenUp,
        }));
        let decision = decision.record(CouponClaimed {
            holder: self.holder.clone(),
            customer: self.customer.clone(),
            until: None,
        });
        Ok(lapse_at(decision, &self.code, next))
    }
}
