//! What is still to be taken for an order, and for its next parcel.

use super::OrderRejection;
use super::events::OrderLine;
use super::state::Order;
use super::units::Parcel;
use crate::domain::Money;

impl Order {
    /// What the order costs without what was cancelled by the line.
    pub(super) fn payable(&self) -> Result<Money, OrderRejection> {
        let priced = self.frozen()?;
        let mut payable = priced.shipping_gross()?;
        for line in &priced.lines {
            let cancelled = self.units.cancelled(&line.sku);
            let kept = line.quantity.get().saturating_sub(cancelled);
            payable = payable.plus(line.share(0, kept)?)?;
        }
        Ok(payable)
    }

    /// What is still to be taken.
    pub(super) fn unpaid(&self) -> Result<Money, OrderRejection> {
        let payable = self.payable()?;
        let captured = self.payments.captured(Money::zero(payable.currency()))?;
        Ok(payable.minus(captured)?)
    }

    /// What is still to be taken, and is not set aside.
    pub(super) fn lacking(&self) -> Result<Money, OrderRejection> {
        let unpaid = self.unpaid()?;
        let nothing = Money::zero(unpaid.currency());
        let lacking = unpaid.minus(self.payments.open(nothing)?)?;
        Ok(if lacking.is_positive() {
            lacking
        } else {
            nothing
        })
    }

    /// What is due for a parcel that has a label: the share of its units, and shipping with the
    /// first parcel.
    pub(super) fn due_for(&self, parcel: &Parcel) -> Result<Money, OrderRejection> {
        let priced = self.frozen()?;
        let mut due = match self.units.parcels().iter().any(|parcel| parcel.paid) {
            true => Money::zero(priced.total.currency()),
            false => priced.shipping_gross()?,
        };
        for line in &priced.lines {
            let here = super::units::units_of(&parcel.contents, &line.sku);
            if here > 0 {
                let before = self.units.in_parcels(&line.sku, |parcel| parcel.paid);
                due = due.plus(line.share(before, here)?)?;
            }
        }
        Ok(due)
    }

    /// Units of each line that no stock is held for.
    pub(super) fn backordered(&self) -> Vec<OrderLine> {
        let lines = self.details.lines.iter();
        lines
            .filter_map(|line| {
                let units = self.units.backordered(line);
                let quantity = crate::domain::Quantity::new(units).ok()?;
                Some(OrderLine {
                    sku: line.sku.clone(),
                    quantity,
                })
            })
            .collect()
    }
}
