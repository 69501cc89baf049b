//! The label of a parcel, for whoever prints it.

use mercato_runtime::{AskFailure, FlowError, Scope, Unreadable};

use crate::domain::OrderId;
use crate::order::{OrderAgent, ShowFulfilment};
use crate::ports::{Consignment, ShippingLabel};

/// Why there is no label.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShippingLabelError {
    /// The order has no such parcel, or it has no label yet.
    #[error("order {order} has no parcel {parcel} with a label; look at the order first")]
    NoParcel {
        /// The order.
        order: OrderId,
        /// The parcel's number.
        parcel: u32,
    },
    /// The address cannot be opened: its person was erased, or the keys are away.
    #[error("the address cannot be read: {0}")]
    Address(#[from] Unreadable),
    /// The order could not be asked for.
    #[error(transparent)]
    Step(#[from] FlowError),
}

impl From<AskFailure> for ShippingLabelError {
    fn from(failure: AskFailure) -> Self {
        Self::Step(failure.into())
    }
}

/// The label of a parcel, with the address opened. It is made anew each time, and kept nowhere.
///
/// # Errors
/// When there is no such parcel that the asker may see, or its address cannot be opened.
pub async fn shipping_label(
    scope: &Scope,
    order: OrderId,
    parcel: u32,
    from: &str,
) -> Result<ShippingLabel, ShippingLabelError> {
    let agent = scope.agent::<OrderAgent>()?;
    let show = ShowFulfilment {
        order: order.clone(),
    };
    let shown = scope.ask(show).await.map_err(FlowError::from)?;
    let labelled = shown
        .parcels
        .into_iter()
        .find(|known| known.number == parcel);
    let Some(labelled) = labelled else {
        return Err(ShippingLabelError::NoParcel { order, parcel });
    };
    Ok(ShippingLabel {
        parcel: Consignment {
            order,
            parcel,
            grams: agent.grams(&labelled.contents),
        },
        tracking: labelled.tracking,
        from: from.into(),
        to: scope.vault().unseal(shown.address.address())?,
    })
}
