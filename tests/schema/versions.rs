//! One small agent in many versions of its code, each with one change that somebody might make.

/// The payload of `Placed`: what it was in the first version, or what is given.
macro_rules! placed {
    () => { placed! { order: u32, units: u32, gift: bool, reason: Reason } };
    ($($field:ident: $type:ty),+) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Placed { $(pub $field: $type),+ }
    };
}

/// The enum inside it.
macro_rules! reason {
    () => { reason! { Web, Phone } };
    ($($reason:ident),+) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Reason { $($reason),+ }
    };
}

/// The state, with its version.
macro_rules! state {
    () => { state! { 1 { placed: u32, open: u32 } } };
    ($version:literal { $($part:ident: $type:ty),+ }) => {
        const STATE_VERSION: u16 = $version;

        #[derive(Debug, Default, Serialize, Deserialize)]
        pub struct State { $(pub $part: $type),+ }
    };
}

/// The agent's events.
macro_rules! happened {
    () => { happened! { Placed: 1 } };
    ($($events:tt)+) => { mercato::events! { pub enum Happened { $($events)+ } } };
}

/// One version of the code of the agent `orders`: what the first one was, but for what is named.
macro_rules! code {
    (
        $module:ident:
        $(placed { $($placed:tt)* })?
        $(reason { $($reason:tt)* })?
        $(state { $($state:tt)* })?
        $(events { $($events:tt)* })?
        $(with { $($with:item)* })?
    ) => {
        pub mod $module {
            #![allow(dead_code, unreachable_pub, reason = "each version uses its own part")]

            use mercato::{Agent, Commands, EventViews};
            use serde::{Deserialize, Serialize};

            placed! { $($($placed)*)? }
            reason! { $($($reason)*)? }
            state! { $($($state)*)? }
            happened! { $($($events)*)? }

            #[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
            #[error("refused")]
            pub struct Refused;

            pub struct Orders;

            impl Agent for Orders {
                const NAME: &'static str = "orders";
                const STATE_VERSION: u16 = STATE_VERSION;
                type State = State;
                type Event = Happened;
                type Rejection = Refused;
                fn evolve(_: &mut State, _: &Happened) {}
                fn commands(_: &mut Commands<Self>) {}
            }

            pub fn views() -> EventViews {
                EventViews::new().with::<Orders>()
            }

            $($($with)*)?
        }
    };
}

code! { first: }
code! { variant_added:
    reason { Web, Phone, Letter }
}
code! { renamed:
    placed { order: u32, pieces: u32, gift: bool, reason: Reason }
}
code! { removed:
    placed { order: u32, units: u32, reason: Reason }
}
code! { removed_at_the_end:
    placed { order: u32, units: u32, gift: bool }
}
code! { added:
    placed { order: u32, units: u32, gift: bool, reason: Reason, note: String }
}
code! { moved:
    placed { units: u32, order: u32, gift: bool, reason: Reason }
}
code! { retyped:
    placed { order: u32, units: u16, gift: bool, reason: Reason }
}
code! { variants_moved:
    reason { Phone, Web }
}
code! { state_changed:
    state { 1 { open: u32, placed: u32 } }
}
code! { state_raised:
    state { 2 { open: u32, placed: u32 } }
}
code! { raised_without_upcaster:
    placed { order: u32, units: u32, reason: Reason }
    events { Placed: 2 }
}
code! { event_gone:
    placed { order: u32 }
    events { Ordered: 1 }
    with {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Ordered { order: u32 }
    }
}
code! { second:
    placed { order: u32, units: u32, note: String }
    events { Placed: 2 from { 1 => PlacedV1 } }
    with {
        #[derive(Debug, Serialize, Deserialize)]
        pub struct PlacedV1 { order: u32, units: u32, gift: bool, reason: Reason }

        impl From<PlacedV1> for Placed {
            fn from(old: PlacedV1) -> Self {
                let note = format!("{:?}", old.reason);
                Self { order: old.order, units: old.units, note }
            }
        }
    }
}
code! { second_otherwise:
    placed { order: u32, units: u32, note: String }
    events { Placed: 2 from { 1 => PlacedV1 } }
    with {
        #[derive(Debug, Serialize, Deserialize)]
        pub struct PlacedV1 { order: u32, units: u32, gift: bool, reason: Reason }

        impl From<PlacedV1> for Placed {
            fn from(old: PlacedV1) -> Self {
                Self { order: old.order, units: 0, note: "Phone".into() }
            }
        }
    }
}
code! { second_with_old_moved:
    placed { order: u32, units: u32, note: String }
    events { Placed: 2 from { 1 => PlacedV1 } }
    with {
        #[derive(Debug, Serialize, Deserialize)]
        pub struct PlacedV1 { units: u32, order: u32, gift: bool, reason: Reason }

        impl From<PlacedV1> for Placed {
            fn from(old: PlacedV1) -> Self {
                Self { order: old.order, units: old.units, note: "Phone".into() }
            }
        }
    }
}
code! { second_renamed:
    placed { order: u32 }
    events { Ordered: 1 from { Placed: 1 => Ordered } }
    with {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Ordered { order: u32, units: u32, gift: bool, reason: Reason }
    }
}
