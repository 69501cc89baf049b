//! Reads the journal from end to end and keeps books of its own: what happened to each unit of
//! stock and to each order, by the events alone.

use std::collections::BTreeMap;

use mercato_actors::runtime::persistence::{Journal, Position, ReadError, Recorded};
use mercato_actors::runtime::{CodecError, Event};
use mercato_actors::{
    Adjustment, Condition, DeskMeasures, FilledAs, InventoryEvent, MarketingEvent, OrderEvent,
    OrderId, OrderLine, PricingEvent, Quantity, ReservationId, Sku, StockHold, SupportEvent,
};

use crate::law::Verdict;
use crate::price_books::PriceBooks;
use crate::report::Business;

/// How many appends are read at a time.
const CHUNK: usize = 4_096;

/// The books.
#[derive(Debug)]
pub struct Books {
    /// Each product's stock.
    pub stock: BTreeMap<Sku, StockBook>,
    /// Each order.
    pub orders: BTreeMap<OrderId, OrderBook>,
    /// Counts for the report.
    pub business: Business,
    /// Prices, coupons and quotes.
    pub prices: PriceBooks,
    /// How customers were served.
    pub desk: DeskMeasures,
    /// Held against every movement of stock.
    pub no_oversell: Verdict,
}

/// The stock of one product, in units.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct StockBook {
    /// In the warehouse, and fit to be sold.
    pub on_hand: i64,
    /// Came back, and is not.
    pub damaged: i64,
    /// Held for shoppers, by hold.
    pub held: BTreeMap<ReservationId, i64>,
    /// Promised to orders, by hold.
    pub committed: BTreeMap<ReservationId, i64>,
    /// Ever brought in and booked by hand; what suppliers deliver by themselves is apart.
    pub received: i64,
    /// Ever left the warehouse for customers.
    pub shipped: i64,
    /// Ever came back.
    pub returned: i64,
}

impl OrderBook {
    /// Units of a product that were promised and for which stock must be there, or have left.
    #[must_use]
    pub fn covered(&self, sku: &Sku) -> i64 {
        let ordered = self.lines.iter().filter(|line| line.sku == *sku);
        let ordered: i64 = ordered.map(|line| i64::from(line.quantity.get())).sum();
        let given_up = self.given_up.get(sku).copied().unwrap_or(0);
        let allocated = self.allocated.get(sku).copied().unwrap_or(0);
        (ordered - given_up).min(allocated)
    }

    fn allocate(&mut self, holds: &[StockHold]) {
        for hold in holds {
            let units = self.allocated.entry(hold.sku.clone()).or_default();
            *units += i64::from(hold.quantity.get());
        }
    }
}

impl StockBook {
    fn adjust(&mut self, adjustment: Adjustment) {
        match adjustment {
            Adjustment::Found(quantity) => self.on_hand += units(quantity),
            Adjustment::Lost(quantity) => self.on_hand -= units(quantity),
            Adjustment::Damaged(quantity) => {
                self.on_hand -= units(quantity);
                self.damaged += units(quantity);
            }
            Adjustment::Disposed(quantity) => self.damaged -= units(quantity),
        }
    }

    /// What could still be promised. Never below zero, or something was sold twice.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand - self.held.values().sum::<i64>() - self.committed.values().sum::<i64>()
    }
}

fn units(quantity: Quantity) -> i64 {
    i64::from(quantity.get())
}

/// One order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct OrderBook {
    /// How often it was placed: once, or the shop promised the same thing twice.
    pub placed: u64,
    /// What is promised, changes counted in.
    pub lines: Vec<OrderLine>,
    /// What it costs, changes counted in, in minor units.
    pub total_minor: i64,
    /// Units that stock was held for, by product.
    pub allocated: BTreeMap<Sku, i64>,
    /// Units that were given up by the line.
    pub given_up: BTreeMap<Sku, i64>,
    /// What was taken for it.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
    /// Whether it was given up.
    pub cancelled: bool,
}

/// Reads everything that is durable.
///
/// # Errors
/// When the journal cannot be read, or holds an event that this code does not know.
pub fn audit(journal: &dyn Journal) -> Result<Books, ReadError> {
    let mut books = Books::default();
    let mut at = Position::START;
    loop {
        let records = journal.read(at, CHUNK)?;
        let Some(last) = records.last() else {
            return Ok(books);
        };
        at = last.position;
        for recorded in &records {
            books.enter(recorded).map_err(|source| ReadError::Record {
                position: recorded.position,
                source,
            })?;
        }
    }
}

impl Default for Books {
    fn default() -> Self {
        Self {
            stock: BTreeMap::new(),
            orders: BTreeMap::new(),
            business: Business::default(),
            prices: PriceBooks::default(),
            desk: DeskMeasures::default(),
            no_oversell: Verdict::new("no unit is promised twice"),
        }
    }
}

impl Books {
    /// What they have against the laws that hold after every event, whatever is still on its way.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let laws = [self.no_oversell.clone()];
        let broken = laws.into_iter().chain(self.prices.laws()).flat_map(|law| {
            let name = law.name;
            (law.cases.into_iter()).map(move |case| format!("not so that {name}: {case}"))
        });
        let twice = self.orders.iter().filter(|(_, book)| book.placed > 1);
        let twice = twice.map(|(order, book)| format!("{order} is placed {} times", book.placed));
        broken.chain(twice).collect()
    }

    /// Enters one append.
    ///
    /// # Errors
    /// When it holds an event that this code does not know.
    pub fn enter(&mut self, recorded: &Recorded) -> Result<(), CodecError> {
        let Some((agent, key)) = recorded.append.stream.split_once('/') else {
            return Ok(());
        };
        for event in &recorded.append.events {
            let (name, version, payload) = (&event.name, event.version, &event.payload);
            match agent {
                "inventory" => {
                    self.stock_moved(key, &InventoryEvent::decode(name, version, payload)?);
                }
                "order" => self.order_moved(key, &OrderEvent::decode(name, version, payload)?),
                "pricing" => {
                    let event = PricingEvent::decode(name, version, payload)?;
                    self.prices.enter(key, &event);
                }
                "support" => {
                    let event = SupportEvent::decode(name, version, payload)?;
                    self.desk.observe(key, &event);
                    if matches!(event, SupportEvent::TicketOpened(_)) {
                        self.business.tickets += 1;
                    }
                }
                "marketing" => {
                    let event = MarketingEvent::decode(name, version, payload)?;
                    if matches!(event, MarketingEvent::MessageSent(_)) {
                        self.business.mails += 1;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn stock_moved(&mut self, key: &str, event: &InventoryEvent) {
        use InventoryEvent as E;
        let Ok(sku) = Sku::new(key) else {
            return;
        };
        let business = &mut self.business;
        let book = self.stock.entry(sku.clone()).or_default();
        match event {
            E::StockReceived(e) => {
                book.received += units(e.quantity);
                book.on_hand += units(e.quantity);
            }
            E::PurchaseOrderReceived(e) => {
                business.purchase_orders.1 += 1;
                book.on_hand += units(e.quantity);
            }
            E::StockReserved(e) => {
                let units = i64::from(e.quantity.get());
                *book.held.entry(e.reservation.clone()).or_default() += units;
            }
            E::ReservationCommitted(e) => {
                let units = book.held.remove(&e.reservation).unwrap_or_default();
                *book.committed.entry(e.reservation.clone()).or_default() += units;
                self.no_oversell
                    .check(units == i64::from(e.quantity.get()), || {
                        format!("{sku}: {} commits units that are not held", e.reservation)
                    });
            }
            E::ReservationReleased(e) => {
                book.held.remove(&e.reservation);
                book.committed.remove(&e.reservation);
            }
            E::ReservationExpired(e) => {
                business.reservations_expired += 1;
                book.held.remove(&e.reservation);
            }
            E::StockShipped(e) => {
                let units = book.committed.remove(&e.reservation).unwrap_or_default();
                business.units_shipped += u64::from(e.quantity.get());
                book.on_hand -= units;
                book.shipped += units;
                self.no_oversell
                    .check(units == i64::from(e.quantity.get()), || {
                        format!(
                            "{sku}: {} ships units that are not committed",
                            e.reservation
                        )
                    });
            }
            E::StockReturned(e) => {
                let units = i64::from(e.quantity.get());
                book.returned += units;
                match e.condition {
                    Condition::Resaleable => book.on_hand += units,
                    Condition::Damaged => book.damaged += units,
                }
            }
            E::StockAdjusted(e) => {
                business.adjustments += 1;
                book.adjust(e.adjustment);
            }
            E::TransferDispatched(e) => {
                business.transfers += 1;
                book.on_hand -= units(e.quantity);
            }
            E::TransferReceived(e) => book.on_hand += i64::from(e.arrived),
            E::BackorderPlaced(_) => business.backorders.0 += 1,
            E::BackorderFilled(e) => {
                business.backorders.1 += 1;
                let promises = match e.filled_as {
                    FilledAs::Committed => &mut book.committed,
                    FilledAs::Held { .. } | FilledAs::Confirmed => &mut book.held,
                };
                *promises.entry(e.reservation.clone()).or_default() += units(e.quantity);
            }
            E::ReservationShorted(e) => {
                book.held.remove(&e.reservation);
                book.committed.remove(&e.reservation);
            }
            E::LowStockDetected(_) => business.low_stock += 1,
            E::PurchaseOrderRaised(_) => business.purchase_orders.0 += 1,
            E::PurchaseOrderClosed(_) => business.purchase_orders_short += 1,
            E::ForecastRevised(_) => business.forecasts += 1,
            E::ReservationConfirmed(_)
            | E::ReservationExtended(_)
            | E::ReservationSourced(_)
            | E::StockCounted(_)
            | E::StockRecovered(_)
            | E::StockDepleted(_)
            | E::StockReplenished(_)
            | E::ReorderAlertGenerated(_)
            | E::ProcurementNotified(_)
            | E::PurchaseOrderAccepted(_)
            | E::PurchaseOrderRefused(_)
            | E::PurchaseOrderOutcomeLost(_)
            | E::BackorderTermsSet(_)
            | E::BackorderCancelled(_) => {}
        }
        let available = book.available();
        self.no_oversell.check(available >= 0, || {
            format!("{sku}: {available} units are available")
        });
    }

    fn order_moved(&mut self, key: &str, event: &OrderEvent) {
        use OrderEvent as E;
        let Ok(order) = OrderId::new(key) else {
            return;
        };
        let business = &mut self.business;
        let book = self.orders.entry(order).or_default();
        match event {
            E::OrderPriced(e) => self.prices.order_priced(key, e),
            E::StockAllocated(e) => book.allocate(&e.holds),
            E::OrderPlaced(e) => {
                business.orders += 1;
                book.placed += 1;
                book.lines.clone_from(&e.lines);
                book.total_minor = e.total.minor();
                let short = e.lines.iter().filter(|line| {
                    let held = book.allocated.get(&line.sku).copied().unwrap_or(0);
                    held < i64::from(line.quantity.get())
                });
                business.lines_backordered += short.count() as u64;
            }
            E::OrderRevised(e) => {
                business.orders_changed += 1;
                book.lines.clone_from(&e.lines);
                book.total_minor = e.priced.total.minor();
                book.allocated.clear();
                book.given_up.clear();
                book.allocate(&e.holds);
            }
            E::LineCancelled(e) => {
                business.lines_cancelled += 1;
                let units = book.given_up.entry(e.sku.clone()).or_default();
                *units += i64::from(e.quantity.get());
                for freed in &e.freed {
                    let units = book.allocated.entry(freed.sku.clone()).or_default();
                    *units -= i64::from(freed.quantity.get());
                }
            }
            E::ReturnRequested(_) => business.returns_requested += 1,
            E::PaymentCaptured(e) => {
                business.captured += u64::from(book.captured_minor == 0);
                business.partial_captures += u64::from(e.amount.minor() < book.total_minor);
                business.revenue_minor += e.amount.minor();
                book.captured_minor += e.amount.minor();
            }
            E::RefundRecorded(e) => {
                business.returns_refunded += 1;
                business.revenue_minor -= e.amount.minor();
                book.refunded_minor += e.amount.minor();
            }
            E::OrderCancelled(_) => {
                business.cancelled += 1;
                book.cancelled = true;
            }
            _ => {}
        }
    }
}
