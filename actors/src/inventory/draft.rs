//! A decision in the making.

use std::borrow::Cow;

use mercato_runtime::{Context, Decision, Timestamp};

use super::events::{
    BackorderFilled, FilledAs, InventoryEvent, LowStockDetected, ReservationExpired, StockDepleted,
    StockRecovered, StockReplenished,
};
use super::lapse::SweepHolds;
use super::outlook;
use super::planning::ReviseForecast;
use super::rejection::staff;
use super::state::{Balances, Hold, HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{ReservationId, Sku};

/// The timer of the hold that lapses next.
const LAPSE: &str = "lapse";
/// The timer of the forecast.
const FORECAST: &str = "forecast";

/// Collects the events of one write. It begins with the sweep of lapsed holds; it ends with those
/// who wait for stock, a look at the reorder point, and the timers, so that no command can forget
/// them.
pub(super) struct Draft<'a> {
    agent: &'a InventoryAgent,
    stock: &'a Stock,
    sku: &'a Sku,
    context: &'a Context<'a>,
    balances: Balances,
    events: Vec<InventoryEvent>,
}

impl<'a> Draft<'a> {
    /// Begins a write. Stock is the shop's to move: a shopper is refused here, whatever the command.
    pub(super) fn open(
        agent: &'a InventoryAgent,
        stock: &'a Stock,
        sku: &'a Sku,
        context: &'a Context<'a>,
    ) -> Result<Self, InventoryRejection> {
        staff(context.principal)?;
        agent.check(sku)?;
        let mut draft = Self {
            agent,
            stock,
            sku,
            context,
            balances: stock.balances,
            events: Vec::new(),
        };
        for (reservation, quantity) in stock.holds.lapsed(context.now) {
            draft.record(ReservationExpired {
                reservation: reservation.clone(),
                quantity,
            });
        }
        Ok(draft)
    }

    /// The balances after everything recorded so far.
    pub(super) fn balances(&self) -> Balances {
        self.balances
    }

    /// The stock after everything recorded so far. Where that is something, it is a copy.
    pub(super) fn after(&self) -> Cow<'a, Stock> {
        if self.events.is_empty() {
            return Cow::Borrowed(self.stock);
        }
        let mut stock = self.stock.clone();
        for event in &self.events {
            stock.apply(event);
        }
        Cow::Owned(stock)
    }

    pub(super) fn record(&mut self, event: impl Into<InventoryEvent>) {
        let event = event.into();
        self.balances.apply(&event);
        self.events.push(event);
    }

    /// A hold whose units are held now, or why there is none.
    pub(super) fn open_hold(&self, id: &ReservationId) -> Result<&'a Hold, InventoryRejection> {
        let (hold, state) = self
            .stock
            .holds
            .seen(id, self.context.now)
            .ok_or_else(|| InventoryRejection::UnknownReservation(id.clone()))?;
        match state {
            HoldState::Held { .. } | HoldState::Confirmed | HoldState::Committed => Ok(hold),
            HoldState::Shipped => Err(InventoryRejection::AlreadyShipped(id.clone())),
            HoldState::Released => Err(InventoryRejection::ReservationReleased(id.clone())),
            HoldState::Expired => Err(InventoryRejection::ReservationExpired(id.clone())),
            HoldState::Backordered { promised_at } => Err(InventoryRejection::Backordered {
                reservation: id.clone(),
                promised_at,
            }),
        }
    }

    /// The decision.
    pub(super) fn reply<R>(
        mut self,
        reply: R,
    ) -> Result<Decision<InventoryEvent, R>, InventoryRejection> {
        // What moved nothing fills, crosses and changes nothing.
        if self.events.is_empty() {
            return Ok(Decision::reply(reply));
        }
        self.fill_backorders();
        self.note_depletion();
        self.look_at_reorder_point();
        let lapse = self.change_of_next_lapse();
        let review = self.next_review();
        let mut decision = Decision::reply(reply).record_all(self.events);
        let sku = self.sku;
        match lapse {
            None => {}
            Some(None) => decision = decision.clear_timer(LAPSE),
            Some(Some(due)) => {
                let sweep = SweepHolds { sku: sku.clone() };
                decision = decision.set_timer(LAPSE, due, &sweep);
            }
        }
        if let Some(due) = review {
            let revise = ReviseForecast { sku: sku.clone() };
            decision = decision.set_timer(FORECAST, due, &revise);
        }
        Ok(decision)
    }

    /// Holds what there is for those who wait, in their order, as far as it goes.
    fn fill_backorders(&mut self) {
        if self.balances.backordered == 0 || self.balances.available() <= 0 {
            return;
        }
        let after = self.after();
        for (reservation, hold) in after.holds.waiting() {
            if i64::from(hold.quantity.get()) > self.balances.available() {
                return;
            }
            let expires_at = self.context.now.plus(self.agent.settings.backorder_hold);
            let filled_as = match hold.shorted {
                Some(FilledAs::Confirmed) => FilledAs::Confirmed,
                Some(FilledAs::Committed) => FilledAs::Committed,
                Some(FilledAs::Held { .. }) | None => FilledAs::Held { expires_at },
            };
            self.record(BackorderFilled {
                reservation: reservation.clone(),
                quantity: hold.quantity,
                filled_as,
            });
        }
    }

    /// Notes when nothing is available any more, and when something is again: between the two,
    /// sales say less than demand.
    fn note_depletion(&mut self) {
        let at = self.context.now;
        let depleted = self.balances.available() <= 0;
        match (self.stock.depleted_since, depleted) {
            (None, true) => self.record(StockDepleted { at }),
            (Some(_), false) => self.record(StockReplenished { at }),
            _ => {}
        }
    }

    /// Monitors stock levels. A crossing of the reorder point is recorded once, in either
    /// direction. Stock that is low already is detected anew when more must be bought: after a
    /// delivery that did not suffice, and when even what is on its way no longer does.
    fn look_at_reorder_point(&mut self) {
        let available = u64::try_from(self.balances.available()).unwrap_or(0);
        let revised = self.events.iter().rev().find_map(|event| match event {
            InventoryEvent::ForecastRevised(revised) => Some(revised.reorder_point),
            _ => None,
        });
        let reorder_point =
            revised.unwrap_or_else(|| outlook::reorder_point(&self.agent.settings, self.stock));
        let low = available <= reorder_point;
        let sku = self.sku.clone();
        let was_low = self.stock.low;
        let before = self.stock.balances;
        let delivered = self.balances.received > before.received;
        let point = i64::try_from(reorder_point).unwrap_or(i64::MAX);
        // What a supplier does not deliver is ordered again by whoever pursues the order.
        let outsold = before.position() > point
            && self.balances.position() <= point
            && self.balances.incoming >= before.incoming;
        if low && (!was_low || delivered || outsold) {
            self.record(LowStockDetected {
                sku,
                available,
                reorder_point,
            });
        } else if was_low && !low {
            self.record(StockRecovered { sku, available });
        }
    }

    /// When the next hold lapses, where that has changed.
    fn change_of_next_lapse(&self) -> Option<Option<Timestamp>> {
        use InventoryEvent as E;
        let mut moved: Vec<(&ReservationId, Option<Timestamp>)> = Vec::new();
        for event in &self.events {
            let (id, lapses) = match event {
                E::StockReserved(e) => (&e.reservation, Some(e.expires_at)),
                E::ReservationExtended(e) => (&e.reservation, Some(e.expires_at)),
                E::BackorderFilled(e) => match e.filled_as {
                    FilledAs::Held { expires_at } => (&e.reservation, Some(expires_at)),
                    FilledAs::Confirmed | FilledAs::Committed => (&e.reservation, None),
                },
                E::ReservationConfirmed(e) => (&e.reservation, None),
                E::ReservationCommitted(e) => (&e.reservation, None),
                E::ReservationReleased(e) => (&e.reservation, None),
                E::ReservationExpired(e) => (&e.reservation, None),
                E::ReservationShorted(e) => (&e.reservation, None),
                _ => continue,
            };
            moved.retain(|(moved, _)| *moved != id);
            moved.push((id, lapses));
        }
        let stays = |id: &ReservationId| moved.iter().all(|(moved, _)| *moved != id);
        let staying = self.stock.holds.lapsing().find(|(_, id)| stays(id));
        let staying = staying.map(|(at, _)| at);
        let new = moved.iter().filter_map(|(_, lapses)| *lapses).min();
        let next = match (staying, new) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let before = self.stock.holds.lapsing().next().map(|(at, _)| at);
        (next != before).then_some(next)
    }

    /// When the forecast is to be looked at again, where it was made anew: while something is
    /// expected to be asked for, within a day, so that it falls when nobody asks.
    fn next_review(&self) -> Option<Timestamp> {
        let revised = self.events.iter().rev().find_map(|event| match event {
            InventoryEvent::ForecastRevised(revised) => Some(revised),
            _ => None,
        })?;
        (revised.per_hour_milli > 0).then(|| self.context.now.plus(super::planning::REVIEW_EVERY))
    }

    /// Makes the forecast anew where it is too old to go by.
    pub(super) fn revise_stale_forecast(&mut self) {
        if outlook::is_stale(self.stock, self.context.now) {
            let revised = outlook::revise(&self.agent.settings, self.stock, self.context.now);
            self.record(revised);
        }
    }
}
