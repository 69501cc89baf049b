//! The bus: durable events, delivered to code outside the agents.
//!
//! The journal is the outbox, so nothing is published twice and nothing is lost between the two. A
//! [`Subscription`] is a named reader of it with a cursor that outlives the process. Each event is
//! delivered at least once, and carries an [`id`](Delivery::id) that is the same at every delivery.
//! Events of one entity are handled one after the other; those of different entities side by side,
//! up to a bound. A cursor moves over a contiguous prefix of settled events only.
//!
//! Every subscriber has a task of its own, which reads the journal in chunks and holds no more than
//! its options allow. So a slow or a failing one delays nobody: writers do not know of it.
//!
//! | room | what |
//! |---|---|
//! | `window.rs` | What is in hand and who may have it next; pure. |
//! | `desk.rs` | Where deliveries are taken and brought back. |
//! | `pump.rs` | The task: from the journal into the window, and from there to the cursor. |
//! | `handler.rs`, `pull.rs` | The two ways to take deliveries. |
//! | `ledger.rs` | What the journal keeps of a subscription. |
//! | `registry.rs`, `operate.rs` | The [`Bus`]: attaching, and what an operator does. |
//! | `replay.rs` | Reading a range again, with no cursor. |

mod delivery;
mod desk;
mod error;
mod events;
mod filter;
mod handler;
mod ledger;
mod operate;
mod pull;
mod pump;
mod registry;
mod replay;
mod stats;
mod subscription;
mod window;

pub use delivery::{Delivery, DeliveryError, EventPlace};
pub use error::BusError;
pub use filter::Filter;
pub use operate::Letters;
pub use pull::{LeaseLost, Leased, PullSubscriber};
pub use registry::Bus;
pub use replay::Replay;
pub use stats::{BlockedKey, DeadLetter, SubscriberState, SubscriberStats};
pub use subscription::{
    DeliveryOrder, OnFailure, Redelivery, StartAt, Subscription, SubscriptionOptions,
};

pub(crate) use events::{DeadLettered, DeadLettersSettled, SubscriptionEvent};
pub(crate) use ledger::{Ledger, SUBSCRIPTION};
