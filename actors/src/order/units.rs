//! Where each unit of an order is: held, in a parcel, on backorder or cancelled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::{OrderLine, StockHold};
use crate::domain::{OrderId, Quantity, Sku};
use crate::ports::{TrackingNumber, TrackingScan};

/// A parcel of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Its number, from 1.
    pub number: u32,
    /// What is in it.
    pub contents: Vec<StockHold>,
    /// The number on its label.
    pub tracking: TrackingNumber,
    /// Whether the money for it was taken.
    pub paid: bool,
    /// Whether it has left.
    pub dispatched: bool,
    /// The latest that the carrier told of it.
    pub scan: Option<TrackingScan>,
}

/// Where the units of an order are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Allocation {
    /// Held, and in no parcel.
    holds: Vec<StockHold>,
    parcels: Vec<Parcel>,
    cancelled: BTreeMap<Sku, u32>,
    /// How often stock was held, so that a new hold gets a new name.
    rounds: u32,
}

impl Allocation {
    pub(super) fn hold(&mut self, holds: &[StockHold]) {
        self.rounds += 1;
        self.holds.extend_from_slice(holds);
    }

    /// Orders that were placed before holds were recorded have one of each line, under their own
    /// name.
    pub(super) fn assume(&mut self, order: &OrderId, lines: &[OrderLine]) {
        if self.rounds == 0 {
            let holds = lines.iter().map(|line| StockHold {
                sku: line.sku.clone(),
                reservation: order.into(),
                quantity: line.quantity,
            });
            self.holds = holds.collect();
        }
    }

    /// A revised order has lines of its own; what was cancelled of the earlier ones is not in them.
    pub(super) fn replace(&mut self, holds: &[StockHold]) {
        self.rounds += 1;
        self.holds = holds.to_vec();
        self.cancelled.clear();
    }

    pub(super) fn pack(&mut self, number: u32, contents: &[StockHold], tracking: &TrackingNumber) {
        // In the first version everything went into one parcel, and that had left before it was
        // paid.
        let (contents, dispatched) = match contents {
            [] => (std::mem::take(&mut self.holds), true),
            contents => (contents.to_vec(), false),
        };
        self.holds.retain(|hold| !contents.contains(hold));
        self.parcels.push(Parcel {
            number,
            contents,
            tracking: tracking.clone(),
            paid: false,
            dispatched,
            scan: None,
        });
    }

    /// Parcels are paid one after the other.
    pub(super) fn paid(&mut self) {
        if let Some(parcel) = self.parcels.iter_mut().find(|parcel| !parcel.paid) {
            parcel.paid = true;
        }
    }

    pub(super) fn dispatched(&mut self, number: u32) {
        for parcel in self.parcels.iter_mut().filter(|p| p.number == number) {
            parcel.dispatched = true;
        }
    }

    pub(super) fn tracked(&mut self, number: u32, scan: &TrackingScan) {
        for parcel in self.parcels.iter_mut().filter(|p| p.number == number) {
            // Carriers tell late and twice; what happened last counts.
            let newer = parcel.scan.as_ref().is_none_or(|known| known.at <= scan.at);
            if newer {
                parcel.scan = Some(scan.clone());
            }
        }
    }

    pub(super) fn cancel(&mut self, sku: &Sku, quantity: Quantity, freed: &[StockHold]) {
        *self.cancelled.entry(sku.clone()).or_default() += quantity.get();
        self.holds.retain(|hold| !freed.contains(hold));
    }

    pub(super) fn holds(&self) -> impl Iterator<Item = &StockHold> {
        self.holds.iter()
    }

    pub(super) fn holds_of(&self, sku: &Sku) -> impl Iterator<Item = &StockHold> {
        self.holds.iter().filter(move |hold| hold.sku == *sku)
    }

    /// Whether the order has this hold, in a parcel or in none.
    pub(super) fn has(&self, hold: &StockHold) -> bool {
        let packed = self.parcels.iter().flat_map(|parcel| &parcel.contents);
        self.holds.iter().chain(packed).any(|known| known == hold)
    }

    pub(super) fn parcels(&self) -> &[Parcel] {
        &self.parcels
    }

    /// The parcel that has this number.
    pub(super) fn parcel(&self, number: u32) -> Option<&Parcel> {
        self.parcels.iter().find(|parcel| parcel.number == number)
    }

    /// The parcel that is being dealt with: it has a label and has not left.
    pub(super) fn open_parcel(&self) -> Option<&Parcel> {
        self.parcels.iter().find(|parcel| !parcel.dispatched)
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    pub(super) fn cancelled(&self, sku: &Sku) -> u32 {
        self.cancelled.get(sku).copied().unwrap_or(0)
    }

    /// Units of a product in the parcels that this is true of.
    pub(super) fn in_parcels(&self, sku: &Sku, which: impl Fn(&Parcel) -> bool) -> u32 {
        let parcels = self.parcels.iter().filter(|parcel| which(parcel));
        units_of(parcels.flat_map(|parcel| &parcel.contents), sku)
    }

    pub(super) fn sent(&self, sku: &Sku) -> u32 {
        self.in_parcels(sku, |parcel| parcel.dispatched)
    }

    /// Units of a line that no stock is held for.
    pub(super) fn backordered(&self, line: &OrderLine) -> u32 {
        let somewhere = units_of(&self.holds, &line.sku)
            + self.in_parcels(&line.sku, |_| true)
            + self.cancelled(&line.sku);
        line.quantity.get().saturating_sub(somewhere)
    }

    /// Units of a line that have neither left nor been cancelled.
    pub(super) fn waiting(&self, line: &OrderLine) -> u32 {
        let done = self.sent(&line.sku) + self.cancelled(&line.sku);
        line.quantity.get().saturating_sub(done)
    }

    /// Whether nothing is left to be sent, and everything that was sent is paid.
    pub(super) fn all_sent(&self, lines: &[OrderLine]) -> bool {
        lines.iter().all(|line| self.waiting(line) == 0)
            && self.parcels.iter().all(|parcel| parcel.paid)
    }
}

pub(super) fn units_of<'a>(holds: impl IntoIterator<Item = &'a StockHold>, sku: &Sku) -> u32 {
    let holds = holds.into_iter().filter(|hold| hold.sku == *sku);
    holds.map(|hold| hold.quantity.get()).sum()
}
