//! What the commands to an order have in common.

/// Implements [`Command`](mercato_runtime::Command) for what is asked of an order that the asker may
/// see: its own `decide_for` gets that order.
macro_rules! write_to_order {
    ($name:ident -> $reply:ty) => {
        $crate::order::command::to_order!(Write $name -> $reply);
    };
}

/// The same for what records nothing.
macro_rules! read_of_order {
    ($name:ident -> $reply:ty) => {
        $crate::order::command::to_order!(Read $name -> $reply);
    };
}

macro_rules! to_order {
    ($kind:ident $name:ident -> $reply:ty) => {
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
                let order = state.seen_by(context.principal, &self.order)?;
                self.decide_for(agent, order, context)
            }
        }
    };
}

pub(super) use {read_of_order, to_order, write_to_order};

/// What is decided about an order.
pub(super) type OrderDecided<R> =
    Result<mercato_runtime::Decision<super::OrderEvent, R>, super::OrderRejection>;
