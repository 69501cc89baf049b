//! Learning from sales, as they happen.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Timestamp};
use serde::{Deserialize, Serialize};

use super::elasticity::{DemandSums, Elasticity};
use super::events::{DemandPeriodClosed, PricingEvent, SaleObserved};
use super::rejection::staff;
use super::reprice::{REPRICE_TIMER, Reprice};
use super::settings::ElasticityPrior;
use super::state::PriceState;
use super::{PricingAgent, PricingState};
use crate::domain::{Money, Quantity, Sku};

/// Of a longer time without a sale only so many periods count.
const EMPTY_PERIODS_MAX: u64 = 28;

/// What is known of a SKU's demand.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct DemandState {
    open: Option<OpenPeriod>,
    sums: DemandSums,
}

/// The period that sales are added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OpenPeriod {
    period: u64,
    units: u64,
    /// What the units would have brought at the shelf's price.
    shelf_value: Money,
}

impl OpenPeriod {
    /// The mean of the shelf's price over the units that were sold.
    fn mean_shelf(&self) -> Money {
        let units = i64::try_from(self.units.max(1)).unwrap_or(i64::MAX);
        let value = self.shelf_value;
        Money::new(value.minor() / units, value.currency())
    }
}

impl DemandState {
    pub(super) const fn unknown() -> Self {
        Self {
            open: None,
            sums: DemandSums::none(),
        }
    }

    pub(super) fn sold(&mut self, sale: &SaleObserved) {
        // Far below overflow in any period; what is beyond says nothing new.
        let value = sale.shelf.times(sale.units).unwrap_or(sale.shelf);
        let open = self.open.get_or_insert(OpenPeriod {
            period: sale.period,
            units: 0,
            shelf_value: Money::zero(sale.shelf.currency()),
        });
        if let Ok(sum) = open.shelf_value.plus(value) {
            open.shelf_value = sum;
            open.units = open.units.saturating_add(u64::from(sale.units));
        }
    }

    pub(super) fn closed(&mut self, closed: &DemandPeriodClosed) {
        self.open = None;
        let price = closed.shelf.minor();
        self.sums.add(price, closed.units, closed.periods);
    }

    pub(super) fn elasticity(&self, prior: &ElasticityPrior) -> Option<Elasticity> {
        self.sums.elasticity(prior)
    }
}

/// Tells that units were sold. What is learnt from it moves the price when the period is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObserveSale {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub units: Quantity,
    /// What the shelf asked for one when they were quoted.
    pub shelf: Money,
}

impl Command for ObserveSale {
    type Agent = PricingAgent;
    type Reply = ();
    const NAME: &'static str = "ObserveSale";

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
        agent.check_price(self.shelf)?;
        let state = state.price();
        let period = agent.period_of(context.now);
        let mut decision = Decision::reply(());
        let over = state.demand.open.filter(|open| open.period < period);
        if let Some(open) = over {
            let due = context.now.plus(agent.settings.level_interval_min);
            let reprice = Reprice {
                sku: self.sku.clone(),
            };
            decision = decision
                .record_all(close(agent, state, open, period))
                .set_timer(REPRICE_TIMER, due, &reprice);
        }
        Ok(decision.record(SaleObserved {
            period,
            shelf: self.shelf,
            units: self.units.get().min(agent.settings.sale_units_max.max(1)),
        }))
    }
}

/// Closes the open period, and those after it up to `period` in which nothing was sold.
fn close(
    agent: &PricingAgent,
    state: &PriceState,
    open: OpenPeriod,
    period: u64,
) -> Vec<PricingEvent> {
    let mut closed = vec![DemandPeriodClosed {
        shelf: open.mean_shelf(),
        units: open.units,
        periods: 1,
    }];
    let first = (open.period + 1).max(period.saturating_sub(EMPTY_PERIODS_MAX));
    for empty in first..period {
        let end = agent.period_end(empty);
        let asked = state.history.iter().rev().find(|shown| shown.from < end);
        let shelf = asked.map_or(open.mean_shelf(), |shown| shown.unit);
        match closed.last_mut() {
            Some(last) if last.units == 0 && last.shelf == shelf => last.periods += 1,
            _ => closed.push(DemandPeriodClosed {
                shelf,
                units: 0,
                periods: 1,
            }),
        }
    }
    closed.into_iter().map(PricingEvent::from).collect()
}

impl PricingAgent {
    fn period_ms(&self) -> u64 {
        let ms = self.settings.demand_period.as_millis();
        u64::try_from(ms).unwrap_or(u64::MAX).max(1)
    }

    fn period_of(&self, at: Timestamp) -> u64 {
        at.as_millis() / self.period_ms()
    }

    fn period_end(&self, period: u64) -> Timestamp {
        Timestamp::from_millis(period.saturating_add(1).saturating_mul(self.period_ms()))
    }
}

/// Asks what is known of a SKU's demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowElasticity {
    /// The product.
    pub sku: Sku,
}

impl Command for ShowElasticity {
    type Agent = PricingAgent;
    type Reply = Option<Elasticity>;
    const NAME: &'static str = "ShowElasticity";
    const KIND: mercato_runtime::Kind = mercato_runtime::Kind::Read;

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
        let demand = &state.price().demand;
        Ok(Decision::reply(
            demand.elasticity(&agent.settings.elasticity),
        ))
    }
}
