//! Setting the books right: cycle counts, shrinkage, damage.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided};
use serde::{Deserialize, Serialize};

use super::backorder::promised_date;
use super::draft::Draft;
use super::events::{
    Adjustment, AdjustmentReason, FilledAs, ReleasedFrom, ReservationReleased, ReservationShorted,
    ReservationSourced, StockAdjusted, StockCounted,
};
use super::goods::check_room;
use super::sourcing::source_anywhere;
use super::state::{HoldState, Stock};
use super::{InventoryAgent, InventoryRejection};
use crate::domain::{Quantity, ReservationId, Sku, WarehouseId};

/// What became of promises when the books were set right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Adjusted {
    /// What is on hand in all warehouses, in units.
    pub on_hand: i64,
    /// Holds of shoppers that were given back.
    pub released: Vec<ReservationId>,
    /// Promises that wait for stock now.
    pub shorted: Vec<ReservationId>,
}

/// Sets the books right, for a reason. Where promised units are gone, shoppers' holds are given
/// back, the latest first, and after them promises wait for stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustStock {
    /// The product.
    pub sku: Sku,
    /// Where.
    pub warehouse: WarehouseId,
    /// By how much.
    pub adjustment: Adjustment,
    /// Why.
    pub reason: AdjustmentReason,
}

impl Command for AdjustStock {
    type Agent = InventoryAgent;
    type Reply = Adjusted;
    const NAME: &'static str = "AdjustStock";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let shelf = stock.shelves.get(&self.warehouse);
        let (free, quantity) = match self.adjustment {
            Adjustment::Found(quantity) => {
                agent.settings.warehouses.check(&self.warehouse)?;
                check_room(&draft, quantity)?;
                (i64::MAX, quantity)
            }
            Adjustment::Lost(quantity) | Adjustment::Damaged(quantity) => (shelf.on_hand, quantity),
            Adjustment::Disposed(quantity) => (shelf.damaged, quantity),
        };
        if i64::from(quantity.get()) > free {
            return Err(InventoryRejection::ShelfLimit {
                warehouse: self.warehouse.clone(),
                free: u64::try_from(free).unwrap_or(0),
            });
        }
        if !fits(self.adjustment, self.reason) {
            return Err(InventoryRejection::AdjustmentReason);
        }
        draft.record(StockAdjusted {
            warehouse: self.warehouse.clone(),
            adjustment: self.adjustment,
            reason: self.reason,
            at: context.now,
        });
        let adjusted = keep_promises(agent, &mut draft, context)?;
        draft.reply(adjusted)
    }
}

/// Whether a reason can have this effect.
fn fits(adjustment: Adjustment, reason: AdjustmentReason) -> bool {
    use AdjustmentReason as R;
    match adjustment {
        Adjustment::Found(_) => matches!(reason, R::CycleCount | R::Misplacement),
        Adjustment::Lost(_) => !matches!(reason, R::Disposal | R::Damage),
        Adjustment::Damaged(_) => matches!(reason, R::Damage | R::Spoilage),
        Adjustment::Disposed(_) => matches!(reason, R::Disposal),
    }
}

/// Books a count of one shelf. What differs from the books is found, or lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountStock {
    /// The product.
    pub sku: Sku,
    /// Where.
    pub warehouse: WarehouseId,
    /// How many units fit for sale are there, promised or not.
    pub counted: u64,
}

impl Command for CountStock {
    type Agent = InventoryAgent;
    type Reply = Adjusted;
    const NAME: &'static str = "CountStock";

    fn entity(&self) -> Cow<'_, str> {
        self.sku.as_str().into()
    }

    fn decide(
        &self,
        agent: &InventoryAgent,
        stock: &Stock,
        context: &Context<'_>,
    ) -> Decided<Self> {
        agent.settings.warehouses.check(&self.warehouse)?;
        let mut draft = Draft::open(agent, stock, &self.sku, context)?;
        let on_hand = stock.shelves.get(&self.warehouse).on_hand;
        let expected = u64::try_from(on_hand).unwrap_or(0);
        let difference = u32::try_from(expected.abs_diff(self.counted)).unwrap_or(u32::MAX);
        let too_far = InventoryRejection::CountDiffers { max: Quantity::MAX };
        if difference > Quantity::MAX {
            return Err(too_far);
        }
        draft.record(StockCounted {
            warehouse: self.warehouse.clone(),
            expected,
            counted: self.counted,
            at: context.now,
        });
        // Where nothing differs there is no quantity.
        if let Ok(quantity) = Quantity::new(difference) {
            let adjustment = match self.counted > expected {
                true => Adjustment::Found(quantity),
                false => Adjustment::Lost(quantity),
            };
            if let Adjustment::Found(_) = adjustment {
                check_room(&draft, quantity)?;
            }
            draft.record(StockAdjusted {
                warehouse: self.warehouse.clone(),
                adjustment,
                reason: AdjustmentReason::CycleCount,
                at: context.now,
            });
        }
        let adjusted = keep_promises(agent, &mut draft, context)?;
        draft.reply(adjusted)
    }
}

/// Brings promises back to what there is: gives back the latest holds of shoppers, lets the latest
/// of the others wait, and sends the rest from where there is something.
fn keep_promises(
    agent: &InventoryAgent,
    draft: &mut Draft<'_>,
    context: &Context<'_>,
) -> Result<Adjusted, InventoryRejection> {
    let mut adjusted = Adjusted::default();
    while draft.balances().available() < 0 {
        let after = draft.after();
        let promises = after.holds.iter();
        let latest = promises
            .filter(|(_, hold)| {
                !hold.state.has_ended() && !matches!(hold.state, HoldState::Backordered { .. })
            })
            .max_by_key(|(_, hold)| (matches!(hold.state, HoldState::Held { .. }), hold.number));
        let Some((id, hold)) = latest else {
            break;
        };
        let (reservation, quantity) = (id.clone(), hold.quantity);
        if let HoldState::Held { .. } = hold.state {
            adjusted.released.push(reservation.clone());
            draft.record(ReservationReleased {
                reservation,
                quantity,
                from: ReleasedFrom::Held,
            });
            continue;
        }
        adjusted.shorted.push(reservation.clone());
        let fills_as = match hold.state {
            HoldState::Committed => FilledAs::Committed,
            _ => FilledAs::Confirmed,
        };
        let promised_at = promised_date(agent, &after, draft.balances(), quantity, context);
        draft.record(ReservationShorted {
            reservation,
            quantity,
            fills_as,
            promised_at,
        });
    }
    send_from_elsewhere(draft)?;
    adjusted.on_hand = draft.balances().on_hand;
    Ok(adjusted)
}

/// Promises that were to be sent from a shelf that has too little now are sent from another one.
fn send_from_elsewhere(draft: &mut Draft<'_>) -> Result<(), InventoryRejection> {
    loop {
        let after = draft.after();
        let Some((short, _)) = after.shelves.iter().find(|(_, shelf)| shelf.free() < 0) else {
            return Ok(());
        };
        let from_here = after
            .holds
            .iter()
            .filter(|(_, hold)| hold.sources.iter().any(|source| source.warehouse == *short));
        let Some((id, hold)) = from_here.max_by_key(|(_, hold)| hold.number) else {
            return Ok(());
        };
        let mut shelves = after.shelves.clone();
        shelves.give_back(&hold.sources);
        let sources = source_anywhere(&shelves, hold.quantity).unwrap_or_default();
        draft.record(ReservationSourced {
            reservation: id.clone(),
            sources,
        });
    }
}
