//! Holds what is in a cart, so that it is still there at the checkout: a request, answered at once.

use std::time::Duration;

use futures::future::join_all;
use mercato_runtime::{AskError, AskFailure, Scope, Timestamp};

use crate::domain::{Cart, CartLine, Jurisdiction, OrderId, ReservationId, Sku};
use crate::inventory::{InventoryRejection, ReserveStock, Source, SourceReservation};

/// What became of one line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartHold {
    /// The product.
    pub sku: Sku,
    /// Until when it is held (`None` where the order already has it), or why it is not.
    pub held: Result<Option<Timestamp>, InventoryRejection>,
    /// From where it is to be sent; empty where that is left open.
    pub sources: Vec<Source>,
}

/// Reserves inventory for a cart, under the name of the order that it is to become: the checkout of
/// that order finds the holds and makes them last. A cart that is left lapses by itself. Where it
/// is known already to which country the order goes, each line is sourced for it.
///
/// # Errors
/// When Inventory could not be asked. A line that is not to be had is no error.
pub async fn reserve_cart(
    scope: &Scope,
    cart: &Cart,
    order: &OrderId,
    ttl: Duration,
    ship_to: Option<Jurisdiction>,
) -> Result<Vec<CartHold>, AskFailure> {
    let lines = cart.lines().iter();
    let asked = lines.map(|line| hold(scope, line, order, ttl, ship_to));
    join_all(asked).await.into_iter().collect()
}

async fn hold(
    scope: &Scope,
    line: &CartLine,
    order: &OrderId,
    ttl: Duration,
    ship_to: Option<Jurisdiction>,
) -> Result<CartHold, AskFailure> {
    let reserve = ReserveStock {
        sku: line.sku.clone(),
        reservation: ReservationId::from(order),
        quantity: line.quantity,
        ttl,
    };
    let reserved = answer(scope.ask(reserve).await)?;
    let sources = match (&reserved, ship_to) {
        (Ok(_), Some(ship_to)) => source(scope, line, order, ship_to).await?,
        _ => Vec::new(),
    };
    Ok(CartHold {
        sku: line.sku.clone(),
        held: reserved.map(|reserved| reserved.expires_at),
        sources,
    })
}

/// From where a line is sent. What lies in too many places is left open: a placed order is kept all
/// the same.
async fn source(
    scope: &Scope,
    line: &CartLine,
    order: &OrderId,
    ship_to: Jurisdiction,
) -> Result<Vec<Source>, AskFailure> {
    let source = SourceReservation {
        sku: line.sku.clone(),
        reservation: ReservationId::from(order),
        ship_to,
    };
    let sourced = answer(scope.ask(source).await)?;
    Ok(sourced.map(|sourcing| sourcing.sources).unwrap_or_default())
}

/// A refusal is an answer.
fn answer<T>(
    asked: Result<T, AskError<InventoryRejection>>,
) -> Result<Result<T, InventoryRejection>, AskFailure> {
    match asked {
        Ok(reply) => Ok(Ok(reply)),
        Err(AskError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(AskError::Failed(failure)) => Err(failure),
        Err(_) => Err(AskFailure::Stopped),
    }
}
