//! Where deliveries are taken and brought back: a window behind a lock, and who is to be woken.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{Notify, mpsc, watch};

use super::delivery::{Delivery, EventPlace};
use super::error::BusError;
use super::ledger::Ledger;
use super::pull::Leased;
use super::stats::{BlockedKey, Counters, SubscriberState};
use super::window::{Settled, Ticket, Verdict, Window};
use crate::clock::{Clock, Timestamp};

/// What an operator wants done by the one who writes the ledger.
pub(super) type Order = Box<dyn FnOnce(Result<&mut Ledger, BusError>) + Send>;

/// How many orders may wait.
pub(super) const ORDERS_MAX: usize = 16;

pub(super) struct Desk {
    pub(super) name: Arc<str>,
    pub(super) clock: Clock,
    inside: Mutex<Inside>,
    /// Wakes the pump.
    pub(super) changed: Notify,
    /// Wakes who waits for a delivery.
    ready: Notify,
    closing: AtomicBool,
    state: watch::Sender<SubscriberState>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) counters: Counters,
    /// How many events stand aside.
    pub(super) dead_letters: AtomicUsize,
    pub(super) dead_letters_max: usize,
}

struct Inside {
    window: Window,
    rng: ChaCha8Rng,
    /// Dead letters that are to be delivered once more. Bounded by their number.
    asked: BTreeSet<EventPlace>,
}

impl Desk {
    pub(super) fn new(
        name: Arc<str>,
        clock: Clock,
        window: Window,
        rng: ChaCha8Rng,
        orders: mpsc::Sender<Order>,
    ) -> Self {
        Self {
            name,
            clock,
            inside: Mutex::new(Inside {
                window,
                rng,
                asked: BTreeSet::new(),
            }),
            changed: Notify::new(),
            ready: Notify::new(),
            closing: AtomicBool::new(false),
            state: watch::Sender::new(SubscriberState::Following),
            orders,
            counters: Counters::default(),
            dead_letters: AtomicUsize::new(0),
            dead_letters_max: usize::MAX,
        }
    }

    /// The same with so many places for dead letters.
    pub(super) fn with_letters_max(self, dead_letters_max: usize) -> Self {
        Self {
            dead_letters_max,
            ..self
        }
    }

    /// The next delivery, in the order of the journal among those that may be handed out. `None`
    /// when the subscriber is being detached. One waits here at a time.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Leased> {
        loop {
            let ready = self.ready.notified();
            if self.closing.load(Ordering::Acquire) {
                return None;
            }
            let (taken, is_next) = {
                let window = &mut self.inside.lock().window;
                let before = window.next_tick();
                let taken = window.take(self.clock.now());
                let next = window.next_tick();
                (
                    taken,
                    next.is_some_and(|next| before.is_none_or(|before| next < before)),
                )
            };
            if let Some(taken) = taken {
                if is_next {
                    // Its time is over before anything else is, and the pump rests for longer.
                    self.changed.notify_one();
                }
                let delivery = Delivery::new(taken.event, taken.attempt);
                return Some(Leased::new(self.clone(), taken.ticket, delivery));
            }
            ready.await;
        }
    }

    /// Takes a delivery back. `false` where it came too late.
    pub(super) fn settle(&self, ticket: Ticket, verdict: Verdict) -> bool {
        let settled = {
            let Inside { window, rng, .. } = &mut *self.inside.lock();
            window.settle(ticket, verdict, self.clock.now(), rng)
        };
        match settled {
            Settled::Done => self.counters.delivered.add(),
            Settled::Again => self.counters.retried.add(),
            Settled::Spent | Settled::Late => {}
        }
        self.changed.notify_one();
        settled != Settled::Late
    }

    /// Brings a delivery back that nobody has looked at.
    pub(super) fn put_back(&self, ticket: Ticket) {
        let Inside { window, rng, .. } = &mut *self.inside.lock();
        window.settle(ticket, Verdict::Untouched, self.clock.now(), rng);
        self.changed.notify_one();
    }

    pub(super) fn extend(&self, ticket: Ticket) -> bool {
        let extended = {
            let window = &mut self.inside.lock().window;
            window.extend(ticket, self.clock.now())
        };
        self.changed.notify_one();
        extended
    }

    pub(super) fn with_window<T>(&self, work: impl FnOnce(&mut Window) -> T) -> T {
        work(&mut self.inside.lock().window)
    }

    /// Moves on what is due, and wakes who waits for it.
    pub(super) fn tick(&self, now: Timestamp) {
        let can_give = {
            let Inside { window, rng, .. } = &mut *self.inside.lock();
            let over = window.tick(now, rng);
            (0..over).for_each(|_| self.counters.retried.add());
            window.can_give()
        };
        if can_give {
            self.ready.notify_one();
        }
    }

    pub(super) fn restart(&self, ledger: &Ledger) {
        let mut inside = self.inside.lock();
        inside.window.restart(ledger.cursor());
        inside.asked.clear();
        self.dead_letters.store(ledger.letters(), Ordering::Relaxed);
    }

    /// Asks for dead letters to be delivered once more.
    pub(super) fn ask_for(&self, letters: impl IntoIterator<Item = EventPlace>) {
        self.inside.lock().asked.extend(letters);
        self.changed.notify_one();
    }

    /// The next dead letter to be delivered once more, where there is room for it.
    pub(super) fn next_asked(&self) -> Option<EventPlace> {
        let mut inside = self.inside.lock();
        if inside.window.room() == 0 {
            return None;
        }
        inside.asked.pop_first()
    }

    pub(super) fn blocked(&self) -> Vec<BlockedKey> {
        let inside = self.inside.lock();
        let blocking = inside.window.blocking();
        let shown = blocking.map(|held| BlockedKey {
            place: held.event.place,
            agent: held.event.agent.into(),
            key: held.event.key().into(),
            attempts: held.attempts,
            reason: held.reason.clone(),
        });
        shown.collect()
    }

    /// Hands out nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.ready.notify_one();
        self.changed.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn state(&self) -> SubscriberState {
        self.state.borrow().clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().is_over()
    }

    pub(super) fn set_state(&self, state: SubscriberState) {
        let over = state.is_over();
        self.state.send_replace(state);
        if over {
            self.close();
        }
    }

    /// Waits until the pump has ended.
    pub(super) async fn until_over(&self) {
        let mut state = self.state.subscribe();
        // The sender lives in this desk.
        let _ = state.wait_for(SubscriberState::is_over).await;
    }
}
