//! The bus of one runtime: who is attached to it.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::delivery::{Delivery, DeliveryError};
use super::desk::{Desk, ORDERS_MAX};
use super::error::BusError;
use super::filter::Filters;
use super::handler::{Handler, drive};
use super::ledger::{Ledger, prefix};
use super::pull::PullSubscriber;
use super::pump::Pump;
use super::stats::{SubscriberState, SubscriberStats};
use super::subscription::Subscription;
use super::window::Window;
use crate::core::Core;

/// How many subscriptions a journal may know.
const SUBSCRIPTIONS_MAX: usize = 1_024;
/// The most bytes of a subscription's name.
const NAME_BYTES_MAX: usize = 128;

/// Durable events for code outside the agents. Cheap to clone.
///
/// A handler is called at least once for each event that passes the subscription's filters, and
/// events of one key one after the other. What it does should carry the event's id, so that an event
/// that comes again has its effect once:
///
/// ```
/// # use std::borrow::Cow;
/// # use std::sync::Arc;
/// # use mercato_runtime::persistence::{JournalOptions, RedbJournal, WriterPlace};
/// # use mercato_runtime::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// # pub struct OrderPlaced { pub pence: u64 }
/// # mercato_runtime::events! { pub enum OrderEvent { OrderPlaced: 1 } }
/// # #[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
/// # #[error("no")]
/// # struct No;
/// # struct Orders;
/// # impl Agent for Orders {
/// #     const NAME: &'static str = "order";
/// #     type State = u64;
/// #     type Event = OrderEvent;
/// #     type Rejection = No;
/// #     fn evolve(_: &mut u64, _: &OrderEvent) {}
/// #     fn commands(_: &mut Commands<Self>) {}
/// # }
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Place(u64);
/// # impl Command for Place {
/// #     type Agent = Orders;
/// #     type Reply = ();
/// #     const NAME: &'static str = "Place";
/// #     fn entity(&self) -> Cow<'_, str> { "o-1".into() }
/// #     fn decide(&self, _: &Orders, _: &u64, _: &Context<'_>) -> Decided<Self> {
/// #         Ok(Decision::reply(()).record(OrderPlaced { pence: self.0 }))
/// #     }
/// # }
/// use dashmap::DashMap;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
/// let runtime = Runtime::builder(Arc::new(journal)).agent(Orders).start().await?;
///
/// // The host's own store, with the events' ids as keys.
/// let mirror: Arc<DashMap<CommandId, u64>> = Arc::default();
/// let store = mirror.clone();
/// let subscription = Subscription::new("order-mirror").only(Filter::of::<Orders>());
/// runtime
///     .bus()
///     .subscribe(subscription, move |delivery| {
///         let store = store.clone();
///         async move {
///             let OrderEvent::OrderPlaced(placed) = delivery.event::<Orders>()?;
///             store.insert(delivery.id(), placed.pence);
///             Ok(())
///         }
///     })
///     .await?;
///
/// runtime.handle().ask(&Caller::system(), Place(1_250)).await?;
/// # while mirror.is_empty() { tokio::task::yield_now().await; }
/// assert_eq!(mirror.len(), 1);
/// runtime.stop().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bus {
    pub(super) core: Arc<Core>,
    attached: Arc<Mutex<Attached>>,
    stopping: watch::Receiver<bool>,
}

/// Those who are attached, and those who were and could not go on.
pub(super) type Attached = BTreeMap<Arc<str>, Place>;

pub(super) struct Place {
    pub(super) desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl Bus {
    pub(crate) fn new(core: Arc<Core>, stopping: watch::Receiver<bool>) -> Self {
        Self {
            core,
            attached: Arc::default(),
            stopping,
        }
    }

    /// Attaches a handler, until the runtime stops or it is [detached](Self::detach). It gives when
    /// the subscription itself is durable: a new one that starts [now](crate::StartAt::Now) then
    /// gets every event that is recorded from here on, whatever crashes.
    ///
    /// A handler that fails, panics or takes too long is called again as the subscription's options
    /// say. It may be called again with what it had handled: after a crash, after a
    /// [reset](Self::reset), and after the journal's disk failed.
    ///
    /// # Errors
    /// Where the name is not good or taken, a filter names what there is not, or the journal could
    /// not be written. Nothing is attached then.
    pub async fn subscribe<H, F>(
        &self,
        subscription: Subscription,
        handler: H,
    ) -> Result<(), BusError>
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), DeliveryError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |delivery| handler(delivery).boxed());
        self.attach(subscription, Some(handler)).await.map(drop)
    }

    /// Attaches a subscriber that takes its deliveries itself, and acknowledges each.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn pull(&self, subscription: Subscription) -> Result<PullSubscriber, BusError> {
        let desk = self.attach(subscription, None).await?;
        Ok(PullSubscriber::new(desk))
    }

    /// Detaches a subscriber, which may be attached again: waits until what it has in hand is
    /// settled, or its [`grace`](crate::SubscriptionOptions::grace) over. Nothing happens where
    /// nobody is attached.
    pub async fn detach(&self, name: &str) {
        if let Some(desk) = self.desk(name) {
            desk.close();
            desk.until_over().await;
        }
    }

    async fn attach(
        &self,
        subscription: Subscription,
        handler: Option<Handler>,
    ) -> Result<Arc<Desk>, BusError> {
        let filters = Filters::over(subscription.filters, &self.core.services)?;
        let options = subscription.options.within_range();
        let name = check(&subscription.name)?;
        // A handler's time is over when its future is dropped, so that no two work on one key.
        let lease_for = handler.is_none().then_some(options.handling_time_max);
        let rng = self.core.entropy.fork(&format!("bus/{name}"));
        let (orders, orders_in) = mpsc::channel(ORDERS_MAX);
        let (desk, made) = {
            let mut attached = self.list();
            // What is left of those who were detached says nothing.
            attached.retain(|_, it| it.desk.state() != SubscriberState::Detached);
            if attached.get(&name).is_some_and(|it| !it.desk.is_over()) {
                return Err(BusError::Attached {
                    name: (*name).into(),
                });
            }
            let mut ledger = Ledger::open(&self.core, &name, self.core.journal.epoch())?;
            if !ledger.exists() && self.known().len() >= SUBSCRIPTIONS_MAX {
                let limit = SUBSCRIPTIONS_MAX;
                return Err(BusError::TooMany { limit });
            }
            ledger.start(subscription.start)?;
            let window = Window::new(options.clone(), lease_for);
            let desk = Desk::new(name.clone(), self.core.clock, window, rng, orders);
            let desk = Arc::new(desk.with_letters_max(options.dead_letters_max.get()));
            desk.restart(&ledger);
            let pump = Pump {
                core: self.core.clone(),
                desk: desk.clone(),
                start: subscription.start,
                filters,
                options,
                orders: orders_in,
                stopping: self.stopping.clone(),
            };
            let task = tokio::spawn(work(pump, desk.clone(), handler));
            let place = Place {
                desk: desk.clone(),
                task,
            };
            attached.insert(name.clone(), place);
            (desk, ledger.made())
        };
        match self.until_durable(made).await {
            Ok(()) => Ok(desk),
            Err(failed) => {
                self.detach(&name).await;
                Err(failed)
            }
        }
    }

    /// The list of who is attached. Whoever holds it may write the ledgers of all others.
    pub(super) fn list(&self) -> MutexGuard<'_, Attached> {
        self.attached.lock()
    }

    /// The desk of an attached subscriber, also where it could not go on.
    pub(super) fn desk(&self, name: &str) -> Option<Arc<Desk>> {
        self.attached.lock().get(name).map(|it| it.desk.clone())
    }

    /// The subscriptions that the journal knows, in order.
    pub(super) fn known(&self) -> Vec<Arc<str>> {
        let prefix = prefix();
        let streams = self.core.journal.open_streams(&prefix);
        let names = streams.iter().filter_map(|it| it.strip_prefix(&*prefix));
        names.map(Arc::from).collect()
    }

    /// Those who cannot go on until they are attached again.
    pub(crate) fn stopped(&self) -> Vec<Box<str>> {
        let attached = self.attached.lock();
        let stopped = attached.iter().filter(|(_, it)| {
            let state = it.desk.state();
            matches!(state, SubscriberState::Stopped { .. })
        });
        stopped.map(|(name, _)| (&**name).into()).collect()
    }

    /// How each attached subscriber is, in the order of their names.
    pub(crate) fn attached_stats(&self) -> Vec<SubscriberStats> {
        let names: Vec<_> = self.attached.lock().keys().cloned().collect();
        let stats = names.iter().filter_map(|name| self.stats(name).ok());
        stats.collect()
    }

    /// Waits until every subscriber has let go. The runtime has said that it stops.
    pub(crate) async fn stop(&self) {
        let attached = std::mem::take(&mut *self.attached.lock());
        for place in attached.into_values() {
            // What it ended with stands in its state.
            let _ = place.task.await;
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.attached.lock().keys()).finish()
    }
}

/// Follows the journal for one subscriber, and calls its handler where it has one.
async fn work(pump: Pump, desk: Arc<Desk>, handler: Option<Handler>) {
    let time_max = pump.options.handling_time_max;
    let telemetry = pump.core.telemetry.clone();
    let handling = async {
        match handler {
            Some(handler) => drive(desk.clone(), handler, time_max, telemetry).await,
            None => std::future::pending().await,
        }
    };
    let state = tokio::select! {
        biased;
        ended = AssertUnwindSafe(pump.run()).catch_unwind() => ended.unwrap_or_else(|_| {
            let reason = "its task panicked".to_owned();
            SubscriberState::Stopped { reason }
        }),
        never = handling => match never {},
    };
    desk.set_state(state);
}

fn check(name: &str) -> Result<Arc<str>, BusError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
        return Err(BusError::BadName {
            name: name.into(),
            limit: NAME_BYTES_MAX,
        });
    }
    Ok(name.into())
}
