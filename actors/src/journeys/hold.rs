//! Holding the stock of one line of a checkout, and a place in the line for what is not there.

use std::time::Duration;

use mercato_runtime::{AskError, Flow, FlowError};

use super::checkout::{
    BackorderChoice, BackorderedLine, CheckoutError, CheckoutRequest, OWN_NAMES, of_stock,
};
use crate::domain::{Cart, CartHold, CartLine, IdError, OrderId, Quantity, ReservationId, Sku};
use crate::inventory::{
    BackorderStock, ConfirmReservation, HandOverReservation, InventoryRejection,
    ReleaseReservation, ReserveStock,
};
use crate::order::StockHold;

/// How long stock is held for a checkout: longer than the checkout may take.
const HOLD: Duration = Duration::from_secs(900);
/// How often what is left is asked for while others buy it away.
const TRIES_MAX: u32 = 3;

/// Units that are held for a checkout.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) hold: StockHold,
    /// Whether it lapses no longer.
    pub(super) confirmed: bool,
}

/// What a line of a checkout has: units that are held, and units that it waits for.
#[derive(Debug, Default)]
pub(super) struct LineStock {
    pub(super) held: Vec<Held>,
    pub(super) waits: Option<BackorderedLine>,
}

/// Holds a line: takes over what the cart holds of it, and holds the rest. Where the shopper waits,
/// what there is is held, and the rest is ordered ahead.
pub(super) async fn hold_line(
    flow: &Flow,
    request: &CheckoutRequest,
    line: &CartLine,
) -> Result<LineStock, CheckoutError> {
    let held = hold_what_is_there(flow, request, line).await?;
    let so_far: u32 = held.iter().map(|held| held.hold.quantity.get()).sum();
    let waits = match Quantity::new(line.quantity.get().saturating_sub(so_far)) {
        Ok(missing) => Some(order_ahead(flow, request, &line.sku, missing).await?),
        Err(_) => None,
    };
    Ok(LineStock { held, waits })
}

/// Takes a place among those who wait for a product. More than may wait for it is refused.
async fn order_ahead(
    flow: &Flow,
    request: &CheckoutRequest,
    sku: &Sku,
    quantity: Quantity,
) -> Result<BackorderedLine, CheckoutError> {
    let reservation = waiting_hold(&request.order)?;
    undo(flow, sku, &reservation).await?;
    let ahead = BackorderStock {
        sku: sku.clone(),
        reservation,
        quantity,
    };
    let promised = flow
        .ask_as_system(&format!("order-ahead/{sku}"), ahead)
        .await;
    Ok(BackorderedLine {
        sku: sku.clone(),
        quantity,
        promised_at: promised.map_err(|error| of_stock(sku, error))?.promised_at,
    })
}

async fn hold_what_is_there(
    flow: &Flow,
    request: &CheckoutRequest,
    line: &CartLine,
) -> Result<Vec<Held>, CheckoutError> {
    let mut held = take_over_holds(flow, request, line).await?;
    let so_far: u32 = held.iter().map(|held| held.hold.quantity.get()).sum();
    let missing = line.quantity.get().saturating_sub(so_far);
    let Ok(mut quantity) = Quantity::new(missing) else {
        return Ok(held);
    };
    let reservation = match request.cart.ever_held(&line.sku) {
        false => ReservationId::from(&request.order),
        true => ReservationId::further(request.order.as_str(), "h").map_err(broken)?,
    };
    undo(flow, &line.sku, &reservation).await?;
    for attempt in 0..TRIES_MAX {
        let reserve = ReserveStock {
            sku: line.sku.clone(),
            reservation: reservation.clone(),
            quantity,
            ttl: HOLD,
        };
        let step = format!("reserve/{}/{attempt}", line.sku);
        match flow.ask_as_system(&step, reserve).await {
            Ok(_) => {
                held.push(Held {
                    hold: StockHold {
                        sku: line.sku.clone(),
                        reservation,
                        quantity,
                    },
                    confirmed: false,
                });
                return Ok(held);
            }
            Err(AskError::Rejected(InventoryRejection::OutOfStock { available, .. }))
                if request.backorder == BackorderChoice::Accepted =>
            {
                let some = u32::try_from(available).ok();
                match some.and_then(|some| Quantity::new(some).ok()) {
                    Some(some) if some < quantity => quantity = some,
                    _ => return Ok(held),
                }
            }
            Err(error) => return Err(of_stock(&line.sku, error)),
        }
    }
    // Others were quicker each time: all of it is ordered ahead.
    Ok(held)
}

/// Takes over what is held for the cart, so that it lapses no longer. What has lapsed, and what another
/// order of the same cart has taken, is left alone.
async fn take_over_holds(
    flow: &Flow,
    request: &CheckoutRequest,
    line: &CartLine,
) -> Result<Vec<Held>, CheckoutError> {
    let mut held = Vec::new();
    let mut left = line.quantity.get();
    for hold in request
        .cart
        .holds()
        .iter()
        .filter(|hold| hold.sku == line.sku)
    {
        if hold.quantity.get() > left {
            continue;
        }
        let taken = match flow.version() < OWN_NAMES {
            true => confirm_hold(flow, &request.cart, hold).await?,
            false => hand_over(flow, request, hold).await?,
        };
        let Some(reservation) = taken else {
            continue;
        };
        left -= hold.quantity.get();
        held.push(Held {
            hold: StockHold {
                sku: line.sku.clone(),
                reservation,
                quantity: hold.quantity,
            },
            confirmed: true,
        });
    }
    Ok(held)
}

/// Has one of the cart's holds handed to the order: it ends under the cart's name, which a second
/// order of the cart shares, and stands under the order's own, which is all that the undo gives back.
async fn hand_over(
    flow: &Flow,
    request: &CheckoutRequest,
    hold: &CartHold,
) -> Result<Option<ReservationId>, CheckoutError> {
    let to = further_hold(&request.order, 't', hold.number)?;
    undo(flow, &hold.sku, &to).await?;
    let take = HandOverReservation {
        sku: hold.sku.clone(),
        from: request.cart.name_of(hold).map_err(broken)?,
        to: to.clone(),
        quantity: hold.quantity,
    };
    let step = format!("take-over/{}/{}", hold.sku, hold.number);
    match flow.ask_as_system(&step, take).await {
        Ok(_) => Ok(Some(to)),
        Err(AskError::Rejected(_)) => Ok(None),
        Err(error) => Err(CheckoutError::Flow(error.into())),
    }
}

/// The same as it was before [`OWN_NAMES`]: the hold is confirmed under the cart's name.
async fn confirm_hold(
    flow: &Flow,
    cart: &Cart,
    hold: &CartHold,
) -> Result<Option<ReservationId>, CheckoutError> {
    let reservation = cart.name_of(hold).map_err(broken)?;
    undo(flow, &hold.sku, &reservation).await?;
    let confirm = ConfirmReservation {
        sku: hold.sku.clone(),
        reservation: reservation.clone(),
    };
    let step = format!("take-over/{}/{}", hold.sku, hold.number);
    match flow.ask_as_system(&step, confirm).await {
        // What is held is what Inventory says, whatever the cart believes.
        Ok(confirmed) if confirmed.quantity == hold.quantity => Ok(Some(reservation)),
        Ok(_) | Err(AskError::Rejected(_)) => Ok(None),
        Err(error) => Err(CheckoutError::Flow(error.into())),
    }
}

/// Puts the undo of a hold down, before the hold itself.
async fn undo(flow: &Flow, sku: &Sku, reservation: &ReservationId) -> Result<(), FlowError> {
    let release = ReleaseReservation {
        sku: sku.clone(),
        reservation: reservation.clone(),
    };
    flow.undo_command(&format!("hold/{sku}/{reservation}"), release)
        .await
}

#[expect(clippy::needless_pass_by_value, reason = "an error is what it maps")]
fn broken(error: IdError) -> CheckoutError {
    CheckoutError::Flow(FlowError::Broken(error.to_string()))
}

/// What an order waits under for a product that is out of stock, and holds when it comes: `o-1.b`.
pub(super) fn waiting_hold(order: &OrderId) -> Result<ReservationId, FlowError> {
    ReservationId::further(order.as_str(), 'b')
        .map_err(|error| FlowError::Broken(error.to_string()))
}

/// A further hold of an order: `o-1.b2`, and `o-1.t1` what it took of its cart.
pub(super) fn further_hold(
    order: &OrderId,
    kind: char,
    round: u32,
) -> Result<ReservationId, FlowError> {
    ReservationId::further(order.as_str(), format_args!("{kind}{round}"))
        .map_err(|error| FlowError::Broken(error.to_string()))
}

/// The order that a promise of stock belongs to, by its name: `o-1` has `o-1`, what it took of its cart
/// (`o-1.t1`), held beside it (`o-1.h`), ordered ahead (`o-1.b`) and held for a change (`o-1.c1`). What a
/// cart holds (`c-1.2`) belongs to the order that the cart may become.
pub(super) fn order_of(reservation: &ReservationId) -> Option<OrderId> {
    let name = reservation.as_str();
    let owner = name.rsplit_once('.').filter(|(_, part)| {
        let number = part.trim_start_matches(['t', 'h', 'b', 'c']);
        part.len() <= number.len() + 1 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    OrderId::new(owner.map_or(name, |(owner, _)| owner)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: an order that is asked for under the name of one of its holds, so that nobody finds it,
    /// and one whose own name has a point in it.
    #[test]
    fn a_hold_says_whose_it_is() {
        let owner = |name: &str| {
            let order = order_of(&ReservationId::new(name).expect("a name"));
            order.expect("an order").to_string()
        };
        let order = OrderId::new("o-1").expect("a name");
        for kind in ['t', 'b', 'c'] {
            let further = further_hold(&order, kind, 12).expect("a name");
            assert_eq!(owner(further.as_str()), "o-1");
        }
        let waits = waiting_hold(&order).expect("a name");
        assert_eq!(owner(waits.as_str()), "o-1");
        for name in ["o-1", "o-1.h", "o-1.2"] {
            assert_eq!(owner(name), "o-1");
        }
        for name in ["shop.north", "a.tt1", "a.b-2"] {
            assert_eq!(owner(name), name);
        }
    }
}
