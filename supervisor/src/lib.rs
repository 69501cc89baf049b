//! Life and death of actors: a bounded mailbox that outlives the actor draining it, a worker whose
//! panic costs one incarnation and no message, and the supervision tree as data.
//!
//! This crate knows no disk and no shop. It stands on [`ractor`] for the actors themselves and for
//! the news of their deaths, and replaces two things ractor leaves to chance: ractor's queue is
//! unbounded and dies with its actor, and ractor stops children in hash order. Everything here is
//! deterministic on a current-thread runtime with paused time: the clock and the randomness are
//! arguments of [`TreeOptions`], and nothing iterates a hash map.
//!
//! # The parts
//!
//! - [`Mailbox`]: two lanes (control overtakes business), fair by key, with bounds and deadlines.
//! - [`Worker`]: what an author writes; [`worker_child`] binds it to a mailbox.
//! - [`SupervisorSpec`] and [`ChildSpec`]: the tree as data; [`Tree`]: the tree alive.
//! - [`TreeHealth`], [`RootState`] and [`SupervisionNotice`]: what people and metrics see of it;
//!   [`Watcher`] tells of one child's death, [`DeadLetters`] of messages that nobody handled.
//!
//! # What is deliberately absent
//!
//! Requests with replies are the caller's: a message is opaque here, but for its [`Tag`].
//! Children cannot be added to a running tree: its shape is a value that was read beforehand.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use mercato_supervisor::{
//!     InHand, Mailbox, MailboxOptions, Strategy, SupervisorSpec, Tree, TreeOptions, Worker,
//!     WorkerOptions, worker_child,
//! };
//!
//! struct Adder(Arc<AtomicU64>);
//!
//! impl Worker for Adder {
//!     type Message = u64;
//!     fn handle(&mut self, message: &mut InHand<'_, u64>) {
//!         self.0.fetch_add(**message, Ordering::Relaxed);
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sum = Arc::new(AtomicU64::new(0));
//! # let now = || std::time::Duration::ZERO;
//! let mailbox = Mailbox::new(MailboxOptions::default(), now);
//! let adder = worker_child(
//!     "adder",
//!     mailbox.clone(),
//!     WorkerOptions::default(),
//!     { let sum = sum.clone(); move || Ok(Adder(sum.clone())) },
//!     |_message, attempts, panic| eprintln!("given up after {attempts}: {panic}"),
//! );
//! let spec = SupervisorSpec::new("root", Strategy::OneForOne).with_child(adder);
//!
//! # use rand::SeedableRng;
//! # let rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
//! let tree = Tree::start(spec, TreeOptions::new(now, rng)).await?;
//! mailbox.try_send(40)?;
//! mailbox.try_send(2)?;
//! tree.stop().await; // Works off what is queued before it ends.
//! assert_eq!(sum.load(Ordering::Relaxed), 42);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod death;
mod drainer;
mod error;
mod health;
mod in_hand;
mod intensity;
mod life;
mod mailbox;
mod notice;
mod panic;
mod plan;
mod pulse;
mod shared;
mod spec;
mod supervisor;
mod tree;
mod ward;
mod worker;

pub use backoff::Backoff;
pub use death::{Death, DeathCause, DeathWatch, Watcher};
pub use error::{Bound, SendError, StartError, WatchError};
pub use health::{ChildHealth, ChildState, RootState, TreeHealth};
pub use in_hand::InHand;
pub use intensity::Intensity;
pub use mailbox::{
    CONTROL_LANE_MAX, DeadLetter, DeadLetters, DeadReason, Depth, Mailbox, MailboxOptions, Tag,
    WAITING_SENDERS_MAX,
};
pub use notice::SupervisionNotice;
pub use panic::{contain, panic_text};
pub use spec::{ChildSpec, Restart, Strategy, SupervisorSpec, supervisor_child};
pub use tree::{Tree, TreeOptions};
pub use worker::{Worker, WorkerOptions, worker_child};
