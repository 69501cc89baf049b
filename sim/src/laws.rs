//! The laws of the shop, held against the books, the outside's own memory, and a shop that was
//! opened anew over the same store.

use std::collections::BTreeMap;

use mercato_actors::runtime::{Caller, Handle, Principal};
use mercato_actors::{CheckStock, OrderStatus, OrderView, PaymentId, PaymentRecord, Sku};

use crate::audit::{Books, OrderBook};
use crate::law::Law;
use crate::observer::{Acknowledgement, Observer};
use crate::outside::Outside;

/// Everything that laws are held against.
pub(crate) struct Evidence<'a> {
    pub(crate) books: &'a Books,
    pub(crate) observer: &'a Observer,
    pub(crate) outside: &'a Outside,
    /// Flows that have neither ended nor stand on the work list.
    pub(crate) unfinished_flows: usize,
    /// Whether all flows were given the time that they need, so that none may be left.
    pub(crate) must_settle: bool,
    /// Whether none was left.
    pub(crate) settled: bool,
    /// The shop, opened anew.
    pub(crate) reopened: &'a Handle,
}

/// Holds every law against the evidence.
pub(crate) async fn check(evidence: &Evidence<'_>) -> Vec<Law> {
    let mut laws = vec![
        evidence.books.no_oversell.clone(),
        stock_is_conserved(evidence).await,
        every_promise_has_its_stock(evidence),
        acknowledged_orders_survive(evidence).await,
        no_order_is_placed_twice(evidence),
        no_order_is_charged_twice(evidence),
        money_is_conserved(evidence),
    ];
    laws.extend(evidence.books.prices.laws());
    if evidence.settled || evidence.must_settle {
        laws.push(confirmations_are_sent(evidence));
        laws.push(flows_end(evidence));
    }
    laws
}

/// What the agent answers about each product is the sum of that product's movements.
async fn stock_is_conserved(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("stock is conserved");
    for (sku, book) in &evidence.books.stock {
        let asked = evidence
            .reopened
            .ask(&Caller::system(), CheckStock { sku: sku.clone() })
            .await;
        match asked {
            Ok(levels) => {
                let balances = levels.balances;
                let agent = (balances.on_hand, balances.damaged);
                let ledger = (book.on_hand, book.damaged);
                law.check(agent == ledger, || {
                    format!("{sku}: the agent says {agent:?}, its movements say {ledger:?}")
                });
            }
            Err(error) => law.check(false, || format!("{sku}: {error}")),
        }
    }
    law
}

/// What shoppers were promised has left the warehouse, or is set aside for them.
fn every_promise_has_its_stock(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("every promise has its stock");
    let mut promised: BTreeMap<&Sku, i64> = BTreeMap::new();
    for acknowledged in evidence.observer.acknowledged.values() {
        for (sku, quantity) in &acknowledged.lines {
            *promised.entry(sku).or_default() += i64::from(quantity.get());
        }
    }
    for (sku, promised) in promised {
        let covered = evidence.books.stock.get(sku).map_or(0, |book| {
            let set_aside = book.committed.values().chain(book.held.values());
            book.shipped + set_aside.sum::<i64>()
        });
        law.check(covered >= promised, || {
            format!("{sku}: {promised} promised, {covered} sent or set aside")
        });
    }
    law
}

/// Each order that a shopper was told of is there after a restart, as it was acknowledged.
async fn acknowledged_orders_survive(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("an acknowledged order survives");
    let staff = Caller::new(Principal::Operator("audit".into()));
    for acknowledged in evidence.observer.acknowledged.values() {
        let order = acknowledged.order.clone();
        match evidence.reopened.ask(&staff, OrderStatus { order }).await {
            Ok(view) => law.check(matches(acknowledged, &view), || {
                format!("{}: it is not as it was acknowledged", acknowledged.order)
            }),
            Err(error) => law.check(false, || format!("{}: {error}", acknowledged.order)),
        }
    }
    law
}

fn matches(acknowledged: &Acknowledgement, view: &OrderView) -> bool {
    let lines = view.lines.iter().map(|line| (&line.sku, line.quantity));
    let promised = acknowledged.lines.iter().map(|(sku, n)| (sku, *n));
    view.cancelled.is_none()
        && view
            .total
            .is_some_and(|total| total.minor() == acknowledged.total_minor)
        && lines.eq(promised)
}

fn no_order_is_placed_twice(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("no order is placed twice");
    for (order, book) in &evidence.books.orders {
        law.check(book.placed <= 1, || {
            format!("{order}: placed {} times", book.placed)
        });
    }
    law
}

/// By the gateway's own memory: one payment an order, and never more taken than the order costs.
fn no_order_is_charged_twice(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("no order is charged twice");
    let ledger = evidence.outside.payments.ledger();
    law.check(ledger.double_charges_refused == 0, || {
        let refused = ledger.double_charges_refused;
        format!("the gateway refused {refused} second charges")
    });
    let mut charged: BTreeMap<_, u64> = BTreeMap::new();
    for record in ledger.payments.values() {
        if let (Some(order), Some(_), false) = (&record.order, record.authorised, record.voided) {
            *charged.entry(order.clone()).or_default() += 1;
        }
    }
    for (order, payments) in charged {
        law.check(payments == 1, || {
            format!("{order}: {payments} open payments")
        });
    }
    law
}

/// The gateway's memory and the shop's books agree on every order.
fn money_is_conserved(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("money is conserved");
    let ledger = evidence.outside.payments.ledger();
    for (order, book) in &evidence.books.orders {
        let record = ledger.payments.get(&PaymentId::from(order));
        let wrong = difference(book, record, evidence.settled || evidence.must_settle);
        law.check(wrong.is_none(), || {
            format!("{order}: {}", wrong.unwrap_or_default())
        });
    }
    law
}

/// What gateway and books disagree on. Before everything has settled the gateway may be ahead: the
/// money moves first, and is then recorded.
fn difference(
    book: &OrderBook,
    record: Option<&PaymentRecord>,
    settled: bool,
) -> Option<&'static str> {
    let amount = |of: fn(&PaymentRecord) -> Option<i64>| record.and_then(of).unwrap_or(0);
    let authorised = amount(|record| record.authorised.map(|money| money.minor()));
    let captured = amount(|record| record.captured.map(|money| money.minor()));
    let refunded = amount(|record| record.refunded.map(|money| money.minor()));
    let voided = record.is_some_and(|record| record.voided);
    if captured < book.captured_minor || refunded < book.refunded_minor {
        return Some("the shop recorded money that the gateway never moved");
    }
    if captured > authorised || refunded > captured {
        return Some("more was taken than authorised, or more given back than taken");
    }
    if book.placed > 0 && (voided || authorised != book.total_minor) {
        return Some("a placed order is not backed by a payment of its total");
    }
    if book.placed == 0 && captured > 0 {
        return Some("money was taken for an order that was never placed");
    }
    if !settled {
        return None;
    }
    if captured != book.captured_minor || refunded != book.refunded_minor {
        return Some("the gateway moved money that the shop did not record");
    }
    if book.placed == 0 && authorised > 0 && !voided {
        return Some("money is still set aside for an order that was given up");
    }
    if book.placed > 0 && captured != book.total_minor {
        return Some("a placed order was not paid");
    }
    None
}

/// Everybody who was promised an order was written to, once.
fn confirmations_are_sent(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("every order is confirmed by mail, once");
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    let mails = evidence.outside.mail.ledger();
    for mail in &mails {
        // Keys read `<customer>/confirmation/<order>`.
        if let Some((_, order)) = mail.key.split_once("/confirmation/") {
            *sent.entry(order).or_default() += 1;
        }
    }
    for order in evidence.observer.acknowledged.keys() {
        let confirmations = sent.get(order.as_str()).copied().unwrap_or(0);
        law.check(confirmations == 1, || {
            format!("{order}: {confirmations} confirmations")
        });
    }
    law
}

fn flows_end(evidence: &Evidence<'_>) -> Law {
    let mut law = Law::new("every flow ends, or stands on the work list");
    let unfinished = evidence.unfinished_flows;
    law.check(unfinished == 0, || {
        format!("{unfinished} flows have no end")
    });
    law
}
