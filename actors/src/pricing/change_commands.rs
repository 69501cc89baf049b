//! Changing a base price: at once or at a time, with somebody else's approval where it is a large
//! change, and back again.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Principal, Timestamp};
use serde::{Deserialize, Serialize};

use super::changes::{PriceChangeStage, PriceChangeTerms};
use super::events::{
    PriceActivated, PriceChangeApproved, PriceChangeDropped, PriceChangeProposed,
    PriceChangeScheduled, PriceReason, PricingEvent,
};
use super::limits::floor;
use super::rejection::staff;
use super::state::PriceState;
use super::{PricingAgent, PricingRejection, PricingState};
use crate::domain::{Money, MoneyError, PriceChangeId, Sku};

/// Changes a base price, its cost, its lowest advertised price and the product's place in its life.
/// A change of the price, or of the floor that its cost sets, by more than
/// [`approval_from`](super::PricingSettings::approval_from), from the present one or from any that is
/// scheduled, waits for [`ApprovePriceChange`] by somebody else. Repeating it with the same terms changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePrice {
    /// The product.
    pub sku: Sku,
    /// The name of this change.
    pub change: PriceChangeId,
    /// What is to change.
    pub terms: PriceChangeTerms,
}

impl Command for ChangePrice {
    type Agent = PricingAgent;
    type Reply = PriceChangeStage;
    const NAME: &'static str = "ChangePrice";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let (state, now) = (state.price(), context.now);
        if let Some(stage) = state.changes.stage(&self.change) {
            let open = state.changes.open.get(&self.change);
            return match open.is_some_and(|open| open.terms != self.terms) {
                true => Err(PricingRejection::ChangeDiffers(self.change.clone())),
                false => Ok(Decision::reply(stage)),
            };
        }
        agent.check_terms(&self.terms)?;
        agent.check_room(state, &self.terms)?;
        if agent.needs_approval(&self.sku, state, &self.terms)? {
            let stage = PriceChangeStage::Proposed;
            return Ok(Decision::reply(stage).record(PriceChangeProposed {
                change: self.change.clone(),
                terms: self.terms.clone(),
                by: context.principal.clone(),
            }));
        }
        agent.go_ahead(&self.sku, &self.change, state, &self.terms, now, Vec::new())
    }
}

impl PricingAgent {
    pub(super) fn check_terms(&self, terms: &PriceChangeTerms) -> Result<(), PricingRejection> {
        self.check_price(terms.base)?;
        self.check_currency(terms.cost)?;
        if terms.cost.minor() < 0 {
            return Err(PricingRejection::Amount);
        }
        if let Some(least) = terms.advertised_min {
            self.check_price(least)?;
        }
        let floor = floor(self, terms.cost)?;
        if terms.base.minor() < floor.minor() {
            return Err(PricingRejection::BelowFloor { floor });
        }
        Ok(())
    }

    fn check_room(
        &self,
        state: &PriceState,
        terms: &PriceChangeTerms,
    ) -> Result<(), PricingRejection> {
        let max = self.settings.changes_max;
        if state.changes.open.len() >= usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(PricingRejection::TooManyChanges { max });
        }
        let mut open = state.changes.open.iter();
        let same_time = open.find(|(_, open)| terms.at.is_some() && open.terms.at == terms.at);
        match same_time {
            Some((change, _)) => Err(PricingRejection::ChangesOverlap(change.clone())),
            None => Ok(()),
        }
    }

    /// A change of the price, or of the floor under it: what a product costs says how far promotions and
    /// lists may go. It is held against the present price and against every other change that is scheduled,
    /// since any of them may be what it follows, or what follows it: two small steps of one person, up and
    /// down, are together a large one. What is only proposed whoever approves it holds against the rest.
    /// The first price of a product that has none needs no approval: there
    /// is nothing that changes.
    fn needs_approval(
        &self,
        sku: &Sku,
        state: &PriceState,
        terms: &PriceChangeTerms,
    ) -> Result<bool, PricingRejection> {
        let new = (terms.base, terms.cost);
        if let Some(present) = self.home_price(sku, state.current())
            && self.is_large_step(present, new)?
        {
            return Ok(true);
        }
        let open = state.changes.open.values();
        let planned = open.filter(|open| open.stage() == PriceChangeStage::Scheduled);
        for planned in planned.map(|open| &open.terms) {
            let other = (planned.base, planned.cost);
            let large = match terms.at < planned.at {
                true => self.is_large_step(new, other)?,
                false => self.is_large_step(other, new)?,
            };
            if large {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// From one price and cost to another.
    fn is_large_step(
        &self,
        (before, cost): (Money, Money),
        (after, new_cost): (Money, Money),
    ) -> Result<bool, PricingRejection> {
        let floors = (floor(self, cost)?, floor(self, new_cost)?);
        Ok(self.is_large(before, after)? || self.is_large(floors.0, floors.1)?)
    }

    /// Whether a change is beyond what one person may make alone.
    pub(super) fn is_large(&self, before: Money, after: Money) -> Result<bool, MoneyError> {
        let by = after.minus(before)?.minor().unsigned_abs();
        let most = before.portion(self.settings.approval_from)?.minor();
        Ok(by > most.unsigned_abs())
    }

    /// Schedules a change, or activates it where there is nothing to wait for.
    fn go_ahead(
        &self,
        sku: &Sku,
        change: &PriceChangeId,
        state: &PriceState,
        terms: &PriceChangeTerms,
        now: Timestamp,
        mut events: Vec<PricingEvent>,
    ) -> Decided<ChangePrice> {
        let Some(at) = terms.at.filter(|at| *at > now) else {
            return self.activate(sku, Some(change.clone()), state, terms, now, events);
        };
        let scheduled = PriceChangeScheduled {
            change: change.clone(),
            terms: terms.clone(),
            at,
        };
        events.push(scheduled.into());
        let activate = ActivatePriceChange {
            sku: sku.clone(),
            change: change.clone(),
        };
        let decision = Decision::reply(PriceChangeStage::Scheduled).record_all(events);
        Ok(decision.set_timer(timer_of(change), at, &activate))
    }

    pub(super) fn activate(
        &self,
        sku: &Sku,
        change: Option<PriceChangeId>,
        state: &PriceState,
        terms: &PriceChangeTerms,
        now: Timestamp,
        mut events: Vec<PricingEvent>,
    ) -> Decided<ChangePrice> {
        // The present price gets a number too, so that it can be rolled back to.
        if state.versions.all().next().is_none() {
            let first = self.version_of_catalogue(sku, state);
            events.extend(first.map(PricingEvent::from));
        }
        let before = state.current().with(&events).version;
        let version = before.saturating_add(1);
        let timer = change.as_ref().map(timer_of);
        events.push(PricingEvent::from(PriceActivated {
            version,
            change,
            terms: terms.clone(),
            at: now,
        }));
        let stage = PriceChangeStage::Activated { version };
        let decision = self.record(sku, state, now, events, stage)?;
        Ok(match timer {
            Some(timer) => decision.clear_timer(timer),
            None => decision,
        })
    }

    /// What held before the first change: version one.
    fn version_of_catalogue(&self, sku: &Sku, state: &PriceState) -> Option<PriceActivated> {
        let inputs = state.current();
        let (base, cost) = self.home_price(sku, inputs)?;
        Some(PriceActivated {
            version: inputs.version.saturating_add(1),
            change: None,
            terms: PriceChangeTerms {
                base,
                cost,
                advertised_min: inputs.advertised_min,
                lifecycle: inputs.lifecycle,
                at: None,
                reason: PriceReason::Merchant,
            },
            at: Timestamp::default(),
        })
    }
}

fn timer_of(change: &PriceChangeId) -> Box<str> {
    format!("change/{change}").into()
}

/// Approves a change that waits for it. Not by whoever proposed it, and only by somebody who runs
/// the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovePriceChange {
    /// The product.
    pub sku: Sku,
    /// The change.
    pub change: PriceChangeId,
}

impl Command for ApprovePriceChange {
    type Agent = PricingAgent;
    type Reply = PriceChangeStage;
    const NAME: &'static str = "ApprovePriceChange";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let state = state.price();
        let (change, stage) = (&self.change, known_stage(state, &self.change)?);
        let open = match (stage, state.changes.open.get(change)) {
            (PriceChangeStage::Proposed, Some(open)) => open,
            _ => return Err(PricingRejection::ChangeStage { stage }),
        };
        let operator = matches!(context.principal, Principal::Operator(_));
        if !operator || open.proposed_by.as_ref() == Some(context.principal) {
            return Err(PricingRejection::ApproverNeeded);
        }
        let (terms, now) = (&open.terms, context.now);
        let approved = PriceChangeApproved {
            change: change.clone(),
            by: context.principal.clone(),
        };
        agent.go_ahead(&self.sku, change, state, terms, now, vec![approved.into()])
    }
}

fn known_stage(
    state: &PriceState,
    change: &PriceChangeId,
) -> Result<PriceChangeStage, PricingRejection> {
    let stage = state.changes.stage(change);
    stage.ok_or_else(|| PricingRejection::UnknownChange(change.clone()))
}

/// Turns down or takes back a change that does not hold yet. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropPriceChange {
    /// The product.
    pub sku: Sku,
    /// The change.
    pub change: PriceChangeId,
}

impl Command for DropPriceChange {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "DropPriceChange";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        _: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let (change, decision) = (&self.change, Decision::reply(()));
        match known_stage(state.price(), change)? {
            PriceChangeStage::Dropped => Ok(decision),
            stage @ PriceChangeStage::Activated { .. } => {
                Err(PricingRejection::ChangeStage { stage })
            }
            PriceChangeStage::Proposed | PriceChangeStage::Scheduled => Ok(decision
                .record(PriceChangeDropped {
                    change: change.clone(),
                    by: context.principal.clone(),
                })
                .clear_timer(timer_of(change))),
        }
    }
}

/// Makes a change hold whose time has come. A timer gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivatePriceChange {
    /// The product.
    pub sku: Sku,
    /// The change.
    pub change: PriceChangeId,
}

impl Command for ActivatePriceChange {
    type Agent = PricingAgent;
    type Reply = PriceChangeStage;
    const NAME: &'static str = "ActivatePriceChange";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &PricingAgent,
        state: &PricingState,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let (state, now) = (state.price(), context.now);
        let stage = known_stage(state, &self.change)?;
        let open = state.changes.open.get(&self.change);
        match (stage, open) {
            (PriceChangeStage::Activated { .. }, _) => Ok(Decision::reply(stage)),
            (PriceChangeStage::Scheduled, Some(open))
                if open.terms.at.is_none_or(|at| at <= now) =>
            {
                let (change, terms) = (Some(self.change.clone()), &open.terms);
                agent.activate(&self.sku, change, state, terms, now, Vec::new())
            }
            _ => Err(PricingRejection::ChangeStage { stage }),
        }
    }
}
