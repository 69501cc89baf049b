//! The laws of the shop, held against the books, the outside's own memory, and a shop that was
//! opened anew over the same store.

use std::collections::{BTreeMap, BTreeSet};

use mercato_actors::runtime::{Caller, Handle, Principal, WorkItem};
use mercato_actors::{
    CheckStock, Money, OrderId, OrderStatus, OrderView, PaymentLedger, Reconciliation, Sku,
};

use crate::audit::{Books, OrderBook};
use crate::law::Verdict;
use crate::observer::Acknowledgement;
use crate::outside::Outside;

/// Everything that laws are held against.
pub(crate) struct Evidence<'a> {
    pub(crate) books: &'a Books,
    /// What was acknowledged to shoppers.
    pub(crate) acknowledged: &'a BTreeMap<OrderId, Acknowledgement>,
    pub(crate) outside: &'a Outside,
    /// Flows that have neither ended nor stand on the work list.
    pub(crate) unfinished_flows: usize,
    /// Whether all flows were given the time that they need, so that none may be left.
    pub(crate) must_settle: bool,
    /// Whether none was left.
    pub(crate) settled: bool,
    /// Every part of the names of flows that wait for a person: orders are among them.
    pub(crate) work_list: &'a BTreeSet<Box<str>>,
    /// What the shop's own reconciliation of the day found, where it was run.
    pub(crate) reconciled: &'a [Reconciliation],
    /// The shop, opened anew.
    pub(crate) reopened: &'a Handle,
}

/// The parts of the names of flows that wait for a person, be it an order or a message about one.
pub(crate) fn parts_of(work: &[WorkItem]) -> BTreeSet<Box<str>> {
    let parts = work.iter().flat_map(|item| item.id.split('/'));
    parts.map(Into::into).collect()
}

/// Holds every law against the evidence.
pub(crate) async fn check(evidence: &Evidence<'_>) -> Vec<Verdict> {
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
    if !evidence.reconciled.is_empty() {
        laws.push(books_reconcile(evidence));
    }
    laws
}

/// What the agent answers about each product is the sum of that product's movements.
async fn stock_is_conserved(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("stock is conserved");
    for (sku, book) in &evidence.books.stock {
        let asked = evidence
            .reopened
            .ask(&Caller::system(), CheckStock { sku: sku.clone() })
            .await;
        match asked {
            Ok(levels) => {
                let balances = levels.balances;
                let agent = [
                    balances.on_hand,
                    balances.damaged,
                    balances.reserved,
                    balances.committed,
                    balances.shipped,
                    balances.returned,
                ];
                let (held, committed) = (book.held.values(), book.committed.values());
                let (held, committed) = (held.sum(), committed.sum());
                let ledger = [
                    book.on_hand,
                    book.damaged,
                    held,
                    committed,
                    book.shipped,
                    book.returned,
                ];
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
fn every_promise_has_its_stock(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("every promise has its stock");
    let mut promised: BTreeMap<&Sku, i64> = BTreeMap::new();
    for order in evidence.acknowledged.keys() {
        let book = evidence.books.orders.get(order);
        if let Some(book) = book.filter(|book| !book.cancelled) {
            for line in &book.lines {
                *promised.entry(&line.sku).or_default() += book.covered(&line.sku);
            }
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
async fn acknowledged_orders_survive(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("an acknowledged order survives");
    let staff = Caller::new(Principal::Operator("audit".into()));
    for acknowledged in evidence.acknowledged.values() {
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
    // A change that was made and, the process being killed, never acknowledged is the shopper's all
    // the same.
    view.revision > acknowledged.revision
        || (view.revision == acknowledged.revision
            && view.cancelled.is_none()
            && view
                .total
                .is_some_and(|total| total.minor() == acknowledged.total_minor)
            && lines.eq(promised))
}

fn no_order_is_placed_twice(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("no order is placed twice");
    for (order, book) in &evidence.books.orders {
        law.check(book.placed <= 1, || {
            format!("{order}: placed {} times", book.placed)
        });
    }
    law
}

/// By the gateway's own memory, whatever payments are called: what is set aside or taken for an order
/// is one payment, or says which one it adds to, and more is never taken than the order costs.
fn no_order_is_charged_twice(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("no order is charged twice");
    let ledger = evidence.outside.payments.ledger();
    law.check(ledger.double_charges_refused == 0, || {
        let refused = ledger.double_charges_refused;
        format!("the gateway refused {refused} second charges")
    });
    for (order, charged) in charged(&ledger) {
        let cost = evidence.books.orders.get(&order);
        let cost = cost.map_or(0, |book| book.total_minor);
        law.check(charged.captured <= cost, || {
            format!("{order}: {} taken, and it costs {cost}", charged.captured)
        });
    }
    law
}

/// What the gateway did for one order, over all of its payments, in minor units.
#[derive(Debug, Clone, Copy, Default)]
struct Charged {
    /// Set aside, of which nothing was given up unless some was taken.
    authorised: i64,
    captured: i64,
    refunded: i64,
    /// Set aside and neither taken nor given up.
    open: i64,
}

fn charged(ledger: &PaymentLedger) -> BTreeMap<OrderId, Charged> {
    let mut charged: BTreeMap<OrderId, Charged> = BTreeMap::new();
    for record in ledger.payments.values() {
        let Some(order) = &record.order else {
            continue;
        };
        let minor = |amount: Option<Money>| amount.map_or(0, Money::minor);
        let (authorised, captured) = (minor(record.authorised), minor(record.captured));
        let of_order = charged.entry(order.clone()).or_default();
        of_order.captured += captured;
        of_order.refunded += minor(record.refunded);
        if !record.voided {
            of_order.open += authorised - captured;
        }
        if !record.voided || captured > 0 {
            of_order.authorised += authorised;
        }
    }
    charged
}

/// The gateway's memory and the shop's books agree on every order.
fn money_is_conserved(evidence: &Evidence<'_>) -> Verdict {
    let charged = charged(&evidence.outside.payments.ledger());
    // What a person is asked to see to has not settled.
    let settled = evidence.settled || evidence.must_settle;
    let settled = |order: &OrderId| settled && !evidence.work_list.contains(order.as_str());
    agree(&evidence.books.orders, &charged, settled)
}

/// Holds every order against every other's word for it: one that the gateway alone knows costs nothing.
fn agree(
    orders: &BTreeMap<OrderId, OrderBook>,
    charged: &BTreeMap<OrderId, Charged>,
    settled: impl Fn(&OrderId) -> bool,
) -> Verdict {
    let mut law = Verdict::new("money is conserved");
    let unknown = OrderBook::default();
    let known: BTreeSet<&OrderId> = orders.keys().chain(charged.keys()).collect();
    for order in known {
        let book = orders.get(order).unwrap_or(&unknown);
        let of_order = charged.get(order).copied().unwrap_or_default();
        let wrong = difference(book, of_order, settled(order));
        law.check(wrong.is_none(), || {
            format!("{order}: {}", wrong.unwrap_or_default())
        });
    }
    law
}

/// What gateway and books disagree on. Before everything has settled the gateway may be ahead: the
/// money moves first, and is then recorded.
fn difference(book: &OrderBook, charged: Charged, settled: bool) -> Option<&'static str> {
    let Charged {
        authorised,
        captured,
        refunded,
        open,
    } = charged;
    // A line that was cancelled is not paid; what it is worth is the order's own arithmetic.
    let in_full = book.given_up.is_empty();
    if captured < book.captured_minor || refunded < book.refunded_minor {
        return Some("the shop recorded money that the gateway never moved");
    }
    if captured > authorised || refunded > captured {
        return Some("more was taken than authorised, or more given back than taken");
    }
    if book.placed > 0 && !book.cancelled && in_full && authorised < book.total_minor {
        return Some("a placed order is not backed by payments of its total");
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
    if open > 0 {
        return Some("money is still set aside for an order that needs none");
    }
    if book.placed > 0 && !book.cancelled && in_full && captured != book.total_minor {
        return Some("a placed order was not paid");
    }
    if book.placed > 0 && !in_full && captured >= book.total_minor {
        return Some("a cancelled line was paid");
    }
    None
}

/// Everybody who was promised an order was written to, once.
fn confirmations_are_sent(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("every order is confirmed by mail, once");
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    let mails = evidence.outside.mail.ledger();
    for mail in &mails {
        // Keys read `<customer>/confirmation/<order>`.
        if let Some((_, order)) = mail.key.split_once("/confirmation/") {
            *sent.entry(order).or_default() += 1;
        }
    }
    for order in evidence.acknowledged.keys() {
        let confirmations = sent.get(order.as_str()).copied().unwrap_or(0);
        if confirmations == 0 && evidence.work_list.contains(order.as_str()) {
            continue;
        }
        law.check(confirmations == 1, || {
            format!("{order}: {confirmations} confirmations")
        });
    }
    law
}

/// The reconciliation that the shop runs by itself finds nothing either.
fn books_reconcile(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("the day's reconciliation finds no difference");
    for page in evidence.reconciled {
        for _ in 0..page.payments {
            law.check(true, String::new);
        }
        for difference in &page.differences {
            law.check(false, || {
                format!("{}: {}", difference.payment, difference.kind)
            });
        }
    }
    law
}

fn flows_end(evidence: &Evidence<'_>) -> Verdict {
    let mut law = Verdict::new("every flow ends, or stands on the work list");
    let unfinished = evidence.unfinished_flows;
    law.check(unfinished == 0, || {
        format!("{unfinished} flows have no end")
    });
    law
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: money of an order that the journal lost, which nobody would miss.
    #[test]
    fn money_of_an_order_that_no_book_knows_breaks_a_law() {
        let order = OrderId::new("o1").expect("an id");
        let alone = |charged: Charged, settled: bool| {
            let charged = [(order.clone(), charged)].into();
            agree(&BTreeMap::new(), &charged, |_| settled).holds()
        };
        let set_aside = Charged {
            authorised: 900,
            open: 900,
            ..Charged::default()
        };
        let taken = Charged {
            authorised: 900,
            captured: 900,
            ..Charged::default()
        };
        assert!(!alone(set_aside, true) && !alone(taken, true) && !alone(taken, false));
        // It may be given up still, or have been.
        assert!(alone(set_aside, false) && alone(Charged::default(), true));
    }
}
