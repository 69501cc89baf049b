//! What Inventory does by itself, on a whole shop in virtual time: holds that lapse, alerts,
//! purchases.

// Helpers stand outside the test functions, where clippy takes no test for one.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use mercato_actors::*;
use mercato_runtime::persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{Caller, Clock, Command, Entropy, Rejection, Runtime, Scope, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);

struct Disk;

impl DiskPace for Disk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

/// A supplier whose answers go astray, or who does not want to, so often.
struct Moody {
    supplier: InProcessProcurement,
    lost: AtomicU32,
    refusals: AtomicU32,
}

fn take_one(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

impl Procurement for Moody {
    fn place<'a>(
        &'a self,
        request: &'a PurchaseRequest,
    ) -> BoxFuture<'a, Result<PurchaseAccepted, ProcurementError>> {
        async move {
            if take_one(&self.refusals) {
                let reason = "sold out".into();
                return Err(ProcurementError::Refused { reason });
            }
            let placed = self.supplier.place(request).await;
            match take_one(&self.lost) {
                true => Err(ProcurementError::Unknown),
                false => placed,
            }
        }
        .boxed()
    }

    fn lookup<'a>(
        &'a self,
        request: &'a PurchaseLookup,
    ) -> BoxFuture<'a, Result<Option<PurchaseRecord>, ProcurementError>> {
        self.supplier.lookup(request)
    }
}

struct Town {
    runtime: Runtime,
    supplier: Arc<Moody>,
}

impl Town {
    async fn open() -> Self {
        let tea = Product {
            sku: sku(),
            name: "Tea".into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: Money::new(1_000, Currency::GBP),
            cost: Money::new(400, Currency::GBP),
        };
        let supplier = Arc::new(Moody {
            supplier: InProcessProcurement::new(
                SupplierHabits::punctual(DAY * 2),
                LedgerOptions::default(),
            ),
            lost: AtomicU32::new(0),
            refusals: AtomicU32::new(0),
        });
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
            messengers: Messengers::in_process(),
            procurement: supplier.clone(),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let place = WriterPlace::Task(Box::new(Disk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), place).unwrap();
        let builder = Runtime::builder(Arc::new(journal))
            .clock(Clock::starting_at(Timestamp::from_millis(1_000_000_000)))
            .entropy(Entropy::seeded(7));
        let shop = Shop::new(Arc::new(Catalogue::new([tea]).unwrap()));
        let runtime = shop.open(builder, &ports).start().await.unwrap();
        let town = Self { runtime, supplier };
        town.ask(ReceiveStock {
            sku: sku(),
            quantity: units(20),
        })
        .await
        .unwrap();
        town
    }

    async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, Rejection<C>>
    where
        Rejection<C>: std::fmt::Debug,
    {
        let answer = self.runtime.handle().ask(&Caller::system(), command).await;
        answer.map_err(|error| error.rejection().cloned().unwrap())
    }

    async fn reserve(&self, name: &str, quantity: u32) -> Result<Reservation, InventoryRejection> {
        self.ask(ReserveStock {
            sku: sku(),
            reservation: hold(name),
            quantity: units(quantity),
            ttl: Duration::from_secs(900),
        })
        .await
    }

    async fn commit(&self, name: &str) {
        let (sku, reservation) = (sku(), hold(name));
        let commit = CommitReservation { sku, reservation };
        self.ask(commit).await.unwrap();
    }

    async fn report(&self) -> StockReport {
        let handle = self.runtime.handle();
        let workflow = async |scope: &Scope| inventory_report(scope, &[sku()]).await;
        let report = handle.serve(&Caller::system(), workflow).await.unwrap();
        report.products.into_iter().next().unwrap()
    }

    async fn price(&self) -> i64 {
        let quote = QuotePrice {
            sku: sku(),
            segment: Segment::Standard,
            held: None,
        };
        self.ask(quote).await.unwrap().unit.minor()
    }

    async fn close(self) {
        assert!(self.runtime.work_list().unwrap().is_empty());
        assert_eq!(self.runtime.health().dead_letters, 0);
        self.runtime.stop().await.unwrap();
    }
}

fn sku() -> Sku {
    Sku::new("tea").unwrap()
}

fn hold(name: &str) -> ReservationId {
    ReservationId::new(name).unwrap()
}

fn units(units: u32) -> Quantity {
    Quantity::new(units).unwrap()
}

/// Catches: a hold that lapses only when somebody looks, and a timer that is set for the wrong
/// hold.
#[tokio::test(start_paused = true)]
async fn holds_lapse_by_themselves_each_in_its_time() {
    let town = Town::open().await;
    let reserved = async || town.report().await.balances.reserved;
    let in_books = async || {
        // Reads leave lapsed holds out; what the books say shows in what a write is decided on.
        let events = town.runtime.handle().stats();
        events
            .iter()
            .find(|agent| agent.agent == "inventory")
            .unwrap()
            .handled
    };
    town.reserve("a", 5).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    town.reserve("b", 4).await.unwrap();
    let handled = in_books().await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(reserved().await, 4);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(reserved().await, 0);
    // Two sweeps by the timer, and the two looks of this test.
    assert_eq!(in_books().await - handled, 4);
    town.close().await;
}

/// Catches: either branch of the alert left out, and a product that stays dear when stock is back.
#[tokio::test(start_paused = true)]
async fn low_stock_slows_the_product_down_and_buys_more() {
    let town = Town::open().await;
    let promote = ShowPromotions { sku: sku() };
    town.reserve("a", 16).await.unwrap();
    town.commit("a").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(town.price().await, 1_050);
    let strategy = town.ask(promote.clone()).await.unwrap();
    assert!(strategy.paused.is_some());
    let told = strategy.reorder.map(|reorder| reorder.units);
    let report = town.report().await;
    let (_, order) = report.purchases.first().expect("more was bought").clone();
    assert_eq!(order.state, PurchaseState::Accepted);
    assert_eq!(told, Some(order.quantity.get()));
    assert_eq!(report.balances.incoming, i64::from(order.quantity.get()));
    tokio::time::sleep(DAY * 3).await;
    let report = town.report().await;
    assert!(
        report.purchases.is_empty() && report.alerts.is_empty(),
        "{report:?}"
    );
    assert_eq!(report.supplier.on_time.get(), 10_000);
    assert_eq!(town.price().await, 1_000);
    town.close().await;
}

/// Catches: an order that is placed twice because an answer was lost, or not pursued.
#[tokio::test(start_paused = true)]
async fn an_order_whose_answer_was_lost_is_looked_up() {
    let town = Town::open().await;
    town.supplier.lost.store(1, Ordering::Relaxed);
    town.reserve("a", 16).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let unknown = |alert: &InventoryAlert| matches!(alert, InventoryAlert::OutcomeUnknown { .. });
    assert!(town.report().await.alerts.iter().any(unknown));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!town.report().await.alerts.iter().any(unknown));
    tokio::time::sleep(DAY * 3).await;
    assert_eq!(town.supplier.supplier.ledger().len(), 1);
    assert_eq!(town.report().await.supplier.orders, 1);
    town.close().await;
}

/// Catches: a refusal after which nobody buys any more.
#[tokio::test(start_paused = true)]
async fn what_a_supplier_refused_is_ordered_again() {
    let town = Town::open().await;
    town.supplier.refusals.store(2, Ordering::Relaxed);
    town.reserve("a", 16).await.unwrap();
    town.commit("a").await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(town.report().await.balances.incoming, 0);
    tokio::time::sleep(DAY).await;
    assert!(town.report().await.balances.incoming > 0);
    tokio::time::sleep(DAY * 3).await;
    assert!(town.report().await.available > 20);
    town.close().await;
}
