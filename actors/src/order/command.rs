//! What the commands to an order have in common.

use mercato_runtime::Principal;

use super::OrderRejection;
use super::events::CancelReason;

/// Implements [`Command`](mercato_runtime::Command) for what is asked of an order that the asker may
/// see: its own `decide_for` gets that order.
macro_rules! write_to_order {
    ($name:ident -> $reply:ty) => {
        $crate::order::command::to_order!(Write $name -> $reply, $crate::order::command::for_everybody);
    };
}

/// The same for what only the shop's own people and programs may say: that money has moved, that a
/// parcel has left, what was in one that came back.
macro_rules! write_by_the_shop {
    ($name:ident -> $reply:ty) => {
        $crate::order::command::to_order!(Write $name -> $reply, $crate::order::command::for_the_shop);
    };
}

/// The same for what records nothing.
macro_rules! read_of_order {
    ($name:ident -> $reply:ty) => {
        $crate::order::command::to_order!(Read $name -> $reply, $crate::order::command::for_everybody);
    };
}

macro_rules! to_order {
    ($kind:ident $name:ident -> $reply:ty, $may_give:path) => {
        impl mercato_runtime::Command for $name {
            type Agent = $crate::order::OrderAgent;
            type Reply = $reply;
            const NAME: &'static str = stringify!($name);
            const KIND: mercato_runtime::Kind = mercato_runtime::Kind::$kind;

            fn entity(&self) -> std::borrow::Cow<'_, str> {
                self.order.as_str().into()
            }

            fn decide(
                &self,
                agent: &$crate::order::OrderAgent,
                state: &$crate::order::OrderState,
                context: &mercato_runtime::Context<'_>,
            ) -> mercato_runtime::Decided<Self> {
                $may_give(context.principal)?;
                let order = state.seen_by(context.principal, &self.order)?;
                self.decide_for(agent, order, context)
            }
        }
    };
}

pub(super) use {read_of_order, to_order, write_by_the_shop, write_to_order};

pub(super) fn for_everybody(_: &Principal) -> Result<(), OrderRejection> {
    Ok(())
}

/// Refuses a shopper, whosever the order is. A flow that a shopper started asks for these as the
/// runtime itself, and only after what it has found out.
pub(super) fn for_the_shop(principal: &Principal) -> Result<(), OrderRejection> {
    match principal.as_user() {
        Some(_) => Err(OrderRejection::NotStaff),
        None => Ok(()),
    }
}

/// A shopper gives up in their own name. The other reasons say what the shop has done or seen to: under
/// [`CheckoutFailed`](CancelReason::CheckoutFailed), that all is given back already.
pub(super) fn check_reason(
    principal: &Principal,
    reason: CancelReason,
) -> Result<(), OrderRejection> {
    match reason {
        CancelReason::Customer => Ok(()),
        _ => for_the_shop(principal),
    }
}

/// What is decided about an order.
pub(super) type OrderDecided<R> =
    Result<mercato_runtime::Decision<super::OrderEvent, R>, super::OrderRejection>;
