//! A shop of four products with everything around it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mercato_actors::*;
use mercato_runtime::persistence::{DiskPace, JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{
    Caller, Clock, Command, Entropy, FlowId, Principal, Rejection, RunError, Runtime,
    RuntimeBuilder, Timestamp,
};

use super::gateway::Forgetful;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// Noon, so that no message waits for the morning.
const NOON: Timestamp =
    Timestamp::from_millis(1_600_000_000_000 / 86_400_000 * 86_400_000 + 43_200_000);

struct Disk;

impl DiskPace for Disk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

pub(crate) struct Town {
    pub(crate) runtime: Runtime,
    pub(crate) payments: Arc<Forgetful>,
    pub(crate) carrier: Arc<InProcessCarrier>,
    pub(crate) mail: Arc<InProcessMail>,
}

/// What somebody takes to the checkout.
#[derive(Clone)]
pub(crate) struct Basket<'a> {
    pub(crate) lines: &'a [(&'a str, u32)],
    pub(crate) token: &'a str,
    pub(crate) backorder: BackorderChoice,
}

impl<'a> Basket<'a> {
    pub(crate) fn of(lines: &'a [(&'a str, u32)]) -> Self {
        Self {
            lines,
            token: "tok",
            backorder: BackorderChoice::Refused,
        }
    }
}

pub(crate) fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

pub(crate) fn order() -> OrderId {
    OrderId::new("o-1").unwrap()
}

pub(crate) fn gbp(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

impl Town {
    /// A town where orders can be changed for a minute, and twenty of everything are on the shelf.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}, |gateway, _| gateway).await
    }

    pub(crate) async fn open_with(
        terms: impl FnOnce(&mut Shop),
        gateway: impl FnOnce(InProcessPayments, Clock) -> InProcessPayments,
    ) -> Self {
        let supplier = SupplierHabits::punctual(HOUR * 48);
        Self::open_beside(supplier, terms, gateway).await
    }

    pub(crate) async fn open_beside(
        supplier: SupplierHabits,
        terms: impl FnOnce(&mut Shop),
        gateway: impl FnOnce(InProcessPayments, Clock) -> InProcessPayments,
    ) -> Self {
        let product = |(name, price): (&str, i64)| Product {
            sku: sku(name),
            name: name.into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: gbp(price),
            cost: gbp(400),
        };
        let products = [
            ("tea", 1_000),
            ("coffee", 1_000),
            ("cocoa", 1_200),
            ("mate", 900),
        ];
        let catalogue = Catalogue::new(products.map(product)).unwrap();
        let clock = Clock::starting_at(NOON);
        let payments = InProcessPayments::new(LedgerOptions::default());
        let payments = Arc::new(Forgetful::new(gateway(payments, clock)));
        let carrier = Arc::new(InProcessCarrier::new(LedgerOptions::default()));
        let mail = Arc::new(InProcessMail::new(LedgerOptions::default()));
        let ports = Ports {
            payments: payments.clone(),
            carrier: carrier.clone(),
            mail: mail.clone(),
            messengers: Messengers::in_process(),
            procurement: Arc::new(InProcessProcurement::new(
                supplier,
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let place = WriterPlace::Task(Box::new(Disk));
        let journal = RedbJournal::in_memory(JournalOptions::default(), place).unwrap();
        let builder: RuntimeBuilder = Runtime::builder(Arc::new(journal))
            .clock(clock)
            .entropy(Entropy::seeded(7));
        let mut shop = Shop::new(Arc::new(catalogue));
        shop.order.change_for = Duration::from_secs(60);
        terms(&mut shop);
        let runtime = shop.open(builder, &ports).start().await.unwrap();
        let town = Self {
            runtime,
            payments,
            carrier,
            mail,
        };
        for (name, _) in products {
            town.receive(name, 20).await;
        }
        town
    }

    pub(crate) async fn receive(&self, name: &str, units: u32) {
        let (sku, quantity) = (sku(name), Quantity::new(units).unwrap());
        self.ask(ReceiveStock { sku, quantity }).await.unwrap();
    }

    /// Counts what lies on the only shelf.
    pub(crate) async fn count(&self, name: &str, counted: u64) {
        let count = CountStock {
            sku: sku(name),
            warehouse: WarehouseId::main(),
            counted,
        };
        self.ask(count).await.unwrap();
    }

    pub(crate) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, Rejection<C>>
    where
        Rejection<C>: std::fmt::Debug,
    {
        let answer = self.runtime.handle().ask(&Caller::system(), command).await;
        answer.map_err(|error| {
            error
                .rejection()
                .cloned()
                .unwrap_or_else(|| panic!("{error}"))
        })
    }

    pub(crate) fn cart(&self, name: &str) -> Cart {
        Cart::new(CartId::new(name).unwrap(), CustomerId::new("ada").unwrap())
    }

    pub(crate) fn request(&self, cart: Cart, basket: &Basket<'_>) -> CheckoutRequest {
        let (person, sealer) = (
            cart.customer().person().unwrap(),
            self.runtime.handle().sealer(),
        );
        let email = EmailAddress::new("ada@example.com").unwrap();
        let address = Address::new("Ada", "1 Lane", "London", "N1", Jurisdiction::GB).unwrap();
        CheckoutRequest {
            order: OrderId::from(cart.id()),
            cart,
            segment: Segment::Standard,
            email: sealer.seal(&person, &email).unwrap(),
            address: Destination::seal(&sealer, &person, &address).unwrap(),
            method: PaymentMethod::token(basket.token),
            backorder: basket.backorder,
        }
    }

    pub(crate) async fn run_checkout(
        &self,
        request: CheckoutRequest,
    ) -> Result<CheckoutReceipt, RunError<CheckoutError>> {
        let id = FlowId::new(request.order.as_str());
        let handle = self.runtime.handle();
        handle.run(&ada(), CHECKOUT, id, request).await
    }

    /// Checks a cart out that nothing is held for.
    pub(crate) async fn check_out(
        &self,
        basket: Basket<'_>,
    ) -> Result<CheckoutReceipt, RunError<CheckoutError>> {
        let mut cart = self.cart(order().as_str());
        for (name, units) in basket.lines {
            cart.add(CartLine {
                sku: sku(name),
                quantity: Quantity::new(*units).unwrap(),
                held: None,
            })
            .unwrap();
        }
        self.run_checkout(self.request(cart, &basket)).await
    }

    pub(crate) async fn view(&self) -> OrderView {
        self.ask(OrderStatus { order: order() }).await.unwrap()
    }

    pub(crate) async fn until(&self, phase: OrderPhase) -> OrderView {
        for _ in 0..4_000 {
            let view = self.view().await;
            if view.phase == phase {
                // What the last step started has its time as well.
                tokio::time::sleep(Duration::from_secs(30)).await;
                return view;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!(
            "the order never became {phase}, it is {}",
            self.view().await.phase
        );
    }

    /// The same, where it takes days.
    pub(crate) async fn until_day(&self, phase: OrderPhase, days: u32) -> OrderView {
        for _ in 0..24 * days {
            if self.view().await.phase == phase {
                tokio::time::sleep(HOUR).await;
                return self.view().await;
            }
            tokio::time::sleep(HOUR).await;
        }
        panic!(
            "the order never became {phase}, it is {}",
            self.view().await.phase
        );
    }

    pub(crate) async fn balances(&self, name: &str) -> Balances {
        let levels = self.ask(CheckStock { sku: sku(name) }).await.unwrap();
        levels.balances
    }

    pub(crate) fn records(&self) -> BTreeMap<PaymentId, PaymentRecord> {
        let ledger = self.payments.gateway.ledger();
        assert_eq!(ledger.double_charges_refused, 0);
        ledger.payments
    }

    pub(crate) fn payment(&self) -> Option<PaymentRecord> {
        self.records().remove(&PaymentId::from(&order()))
    }

    /// All pages of the gateway's books, held against the shop's.
    pub(crate) async fn differences(&self) -> Vec<DifferenceKind> {
        let id = FlowId::new(format!("day/{}", self.runtime.handle().clock().now()));
        let request = ReconcileRequest::default();
        let handle = self.runtime.handle();
        let page = handle.run(&Caller::system(), RECONCILE, id, request).await;
        let page = page.unwrap();
        assert_eq!(page.next, None);
        page.differences
            .into_iter()
            .map(|found| found.kind)
            .collect()
    }

    pub(crate) async fn close(self) {
        assert_eq!(self.differences().await, []);
        assert_eq!(self.runtime.work_list().unwrap(), []);
        self.runtime.stop().await.unwrap();
    }
}

/// Ada, who waits long enough.
pub(crate) fn ada() -> Caller {
    Caller::new(Principal::user("ada")).within(Duration::from_secs(600))
}

/// Whoever opens the parcels that come back.
pub(crate) fn warehouse() -> Caller {
    Caller::new(Principal::Operator("warehouse".into())).within(Duration::from_secs(600))
}
