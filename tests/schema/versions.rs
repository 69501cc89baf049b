//! One small agent in many versions of its code, each with one change that somebody might make.

/// One version of the code of the agent `orders`.
macro_rules! code {
    (
        $module:ident:
        placed { $($field:ident: $type:ty),* }
        reason { $($reason:ident),* }
        state $state_version:literal { $($part:ident: $part_type:ty),* }
        events { $($events:tt)* }
        $($more:item)*
    ) => {
        pub mod $module {
            #![allow(dead_code, unreachable_pub, reason = "each version uses its own part")]

            use mercato::{Agent, Commands, EventViews};
            use serde::{Deserialize, Serialize};

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub enum Reason { $($reason),* }

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub struct Placed { $(pub $field: $type),* }

            #[derive(Debug, Default, Serialize, Deserialize)]
            pub struct State { $(pub $part: $part_type),* }

            mercato::events! { pub enum Happened { $($events)* } }

            #[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
            #[error("refused")]
            pub struct Refused;

            pub struct Orders;

            impl Agent for Orders {
                const NAME: &'static str = "orders";
                const STATE_VERSION: u16 = $state_version;
                type State = State;
                type Event = Happened;
                type Rejection = Refused;
                fn evolve(_: &mut State, _: &Happened) {}
                fn commands(_: &mut Commands<Self>) {}
            }

            pub fn views() -> EventViews {
                EventViews::new().with::<Orders>()
            }

            $($more)*
        }
    };
}

code! { first:
    placed { order: u32, units: u32, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { variant_added:
    placed { order: u32, units: u32, gift: bool, reason: Reason }
    reason { Web, Phone, Letter }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { renamed:
    placed { order: u32, pieces: u32, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { removed:
    placed { order: u32, units: u32, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { removed_at_the_end:
    placed { order: u32, units: u32, gift: bool }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { added:
    placed { order: u32, units: u32, gift: bool, reason: Reason, note: String }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { moved:
    placed { units: u32, order: u32, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { retyped:
    placed { order: u32, units: u16, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { variants_moved:
    placed { order: u32, units: u32, gift: bool, reason: Reason }
    reason { Phone, Web }
    state 1 { placed: u32, open: u32 }
    events { Placed: 1 }
}
code! { state_changed:
    placed { order: u32, units: u32, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 1 { open: u32, placed: u32 }
    events { Placed: 1 }
}
code! { state_raised:
    placed { order: u32, units: u32, gift: bool, reason: Reason }
    reason { Web, Phone }
    state 2 { open: u32, placed: u32 }
    events { Placed: 1 }
}
code! { raised_without_upcaster:
    placed { order: u32, units: u32, reason: Reason }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 2 }
}
code! { event_gone:
    placed { order: u32 }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Ordered: 1 }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Ordered { order: u32 }
}
code! { second:
    placed { order: u32, units: u32, note: String }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 2 from { 1 => PlacedV1 } }

    #[derive(Debug, Serialize, Deserialize)]
    pub struct PlacedV1 { order: u32, units: u32, gift: bool, reason: Reason }

    impl From<PlacedV1> for Placed {
        fn from(old: PlacedV1) -> Self {
            let note = format!("{:?}", old.reason);
            Self { order: old.order, units: old.units, note }
        }
    }
}
code! { second_otherwise:
    placed { order: u32, units: u32, note: String }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 2 from { 1 => PlacedV1 } }

    #[derive(Debug, Serialize, Deserialize)]
    pub struct PlacedV1 { order: u32, units: u32, gift: bool, reason: Reason }

    impl From<PlacedV1> for Placed {
        fn from(old: PlacedV1) -> Self {
            Self { order: old.order, units: 0, note: "Phone".into() }
        }
    }
}
code! { second_with_old_moved:
    placed { order: u32, units: u32, note: String }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Placed: 2 from { 1 => PlacedV1 } }

    #[derive(Debug, Serialize, Deserialize)]
    pub struct PlacedV1 { units: u32, order: u32, gift: bool, reason: Reason }

    impl From<PlacedV1> for Placed {
        fn from(old: PlacedV1) -> Self {
            Self { order: old.order, units: old.units, note: "Phone".into() }
        }
    }
}
code! { second_renamed:
    placed { order: u32 }
    reason { Web, Phone }
    state 1 { placed: u32, open: u32 }
    events { Ordered: 1 from { Placed: 1 => Ordered } }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Ordered { order: u32, units: u32, gift: bool, reason: Reason }
}
