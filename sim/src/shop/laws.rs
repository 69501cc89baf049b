//! What must hold in every world of the shop: its laws, and what its own people know beside them.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mercato_actors::{EmailAddress, MailEntry, MessageStream, OrderId, Sku};

use super::ShopScene;
use super::memory::ShopMemory;
use crate::audit::{Books, audit};
use crate::law::Verdict;
use crate::laws::{self, Evidence};
use crate::lives::{End, Law, READS};
use crate::outside::Outside;

/// All of them, held against one pass over the journal.
pub(super) struct ShopLaws {
    memory: ShopMemory,
    outside: Outside,
}

impl ShopLaws {
    pub(super) fn of(scene: &ShopScene) -> Self {
        Self {
            memory: scene.memory.clone(),
            outside: scene.outside.clone(),
        }
    }
}

impl Law for ShopLaws {
    fn name(&self) -> &'static str {
        "the shop keeps its laws"
    }

    fn judge<'a>(&'a mut self, end: &'a End<'a>) -> LocalBoxFuture<'a, Vec<Verdict>> {
        async move {
            let books = match audit(end.journal) {
                Ok(books) => books,
                Err(error) => {
                    let mut read = Verdict::new(READS);
                    read.check(false, || error);
                    return vec![read];
                }
            };
            let remembered = self.memory.remembered().clone();
            let work_list = laws::parts_of(&end.work_list);
            let evidence = Evidence {
                books: &books,
                acknowledged: &remembered.acknowledged,
                outside: &self.outside,
                unfinished_flows: end.unfinished_flows,
                must_settle: end.must_settle,
                settled: end.settled,
                work_list: &work_list,
                reconciled: &[],
                reopened: &end.handle,
            };
            let mut verdicts = laws::check(&evidence).await;
            verdicts.push(deliveries_are_booked_once(&books, &remembered.delivered));
            verdicts.push(nothing_is_found(&books));
            if end.settled || end.must_settle {
                verdicts.push(nothing_is_left_held(&books, &work_list));
            }
            if end.plan.faults.faults.is_empty() {
                let work = end.work_list.iter();
                let work: Vec<_> = work.map(|it| format!("{}/{}", it.flow, it.id)).collect();
                verdicts.push(nobody_is_troubled(&work));
                let (asked, had) = (remembered.asked_for.len(), remembered.acknowledged.len());
                verdicts.push(the_shop_sells(asked, had));
            }
            let mails = self.outside.mail.ledger();
            verdicts.push(consent_is_kept(&mails, &remembered.agreed));
            let payments = self.outside.payments.ledger();
            let payments = payments.payments.values();
            let paid = payments.filter_map(|record| record.order.clone());
            let sold = books.orders.keys().cloned().chain(paid);
            verdicts.push(nothing_is_sold_unasked(sold, &remembered.asked_for));
            verdicts
        }
        .boxed_local()
    }
}

/// What the warehouse was brought is what is booked: not less, and not twice.
fn deliveries_are_booked_once(books: &Books, delivered: &BTreeMap<Sku, i64>) -> Verdict {
    let mut law = Verdict::new("a delivery is booked once");
    for (sku, brought) in delivered {
        let booked = books.stock.get(sku).map_or(0, |book| book.received);
        law.check(booked == *brought, || {
            format!("{sku}: {brought} units were brought, and {booked} are booked")
        });
    }
    law
}

/// Nobody counts these shelves, so nobody finds or misses anything.
fn nothing_is_found(books: &Books) -> Verdict {
    let mut law = Verdict::new("stock does not come from nowhere");
    let adjustments = books.business.adjustments;
    law.check(adjustments == 0, || {
        format!("{adjustments} adjustments were booked, and nobody counted")
    });
    law
}

/// When everything has settled, stock is held for orders that stand, and for nothing else: not for one
/// that was given up, was never placed, or that nobody knows. What waits for a person has not settled.
fn nothing_is_left_held(books: &Books, work_list: &BTreeSet<Box<str>>) -> Verdict {
    let mut law = Verdict::new("nothing is held for an order that was given up");
    let standing = books.orders.iter();
    let standing = standing.filter(|(_, order)| order.placed > 0 && !order.cancelled);
    let standing: BTreeSet<&str> = standing.map(|(id, _)| id.as_str()).collect();
    for (sku, book) in &books.stock {
        let holds = book.held.iter().chain(&book.committed);
        let lost = holds.filter(|(reservation, _)| {
            // A hold has the name of its order, and a further one begins with it.
            let name = reservation.as_str();
            let order = name.split_once('.').map_or(name, |(order, _)| order);
            !standing.contains(order) && !work_list.contains(order)
        });
        let lost: Vec<String> = lost
            .map(|(reservation, units)| format!("{units} by {reservation}"))
            .collect();
        law.check(lost.is_empty(), || {
            format!("{sku}: units are held: {}", lost.join(", "))
        });
    }
    law
}

/// Power cuts alone leave nothing behind that needs a person. The work list is the runtime's own word for
/// what it could not do, and other laws forgive what stands on it.
fn nobody_is_troubled(work: &[String]) -> Verdict {
    let mut law = Verdict::new("nobody has to see to a flow that nothing went wrong with");
    law.check(work.is_empty(), || {
        let some: Vec<&str> = work.iter().take(5).map(String::as_str).collect();
        format!(
            "{} on the work list, among them {}",
            work.len(),
            some.join(", ")
        )
    });
    law
}

/// A shop that refuses everybody in good order breaks no other law. One in twenty-five has no money, and
/// what is sold out is delivered again all day long.
fn the_shop_sells(asked_for: usize, sold: usize) -> Verdict {
    const CUSTOMERS_MIN: usize = 10;
    let mut law = Verdict::new("a shop that nothing goes wrong with sells");
    if asked_for >= CUSTOMERS_MIN {
        law.check(sold > 0, || {
            format!("{asked_for} asked for an order, and nobody had one")
        });
    }
    law
}

/// By what the gateway sent, whatever the shop recorded of consent: nobody is sent anything promotional
/// who never agreed, or took it back before there was anything to write about.
fn consent_is_kept(mails: &[MailEntry], agreed: &BTreeSet<EmailAddress>) -> Verdict {
    let mut law = Verdict::new("nobody is written to who did not agree");
    let promotional = mails
        .iter()
        .filter(|mail| mail.message.stream == MessageStream::Promotional);
    for mail in promotional {
        law.check(agreed.contains(&mail.message.to), || {
            format!("{} was sent", mail.key)
        });
    }
    law
}

/// Whoever looked around, or left a cart behind, has neither an order nor anything to pay.
fn nothing_is_sold_unasked(
    sold: impl Iterator<Item = OrderId>,
    asked_for: &BTreeSet<OrderId>,
) -> Verdict {
    let mut law = Verdict::new("nobody is sold what they did not ask for");
    for order in sold {
        law.check(asked_for.contains(&order), || {
            format!("{order} was sold, and nobody asked for it")
        });
    }
    law
}

#[cfg(test)]
mod tests {
    use mercato_actors::{Message, ReservationId};

    use super::*;
    use crate::audit::{OrderBook, StockBook};

    /// Books in which one unit is held by this name, and the order `o1` is as it says.
    fn held(by: &str, placed: u64, cancelled: bool) -> Books {
        let mut books = Books::default();
        let order = OrderBook {
            placed,
            cancelled,
            ..OrderBook::default()
        };
        books
            .orders
            .insert(OrderId::new("o1").expect("an id"), order);
        let reservation = ReservationId::new(by).expect("an id");
        let book = StockBook {
            committed: [(reservation, 1)].into(),
            ..StockBook::default()
        };
        books.stock.insert(Sku::new("P1").expect("a sku"), book);
        books
    }

    /// Catches: stock that is lost to an order which nobody knows or which never came to be.
    #[test]
    fn stock_is_held_for_orders_that_stand_alone() {
        let nobody = BTreeSet::new();
        let holds = |books: &Books| nothing_is_left_held(books, &nobody).holds();
        assert!(holds(&held("o1", 1, false)) && holds(&held("o1.2", 1, false)));
        for lost in [
            held("o1", 1, true),
            held("o1", 0, false),
            held("o2", 1, false),
        ] {
            assert!(!holds(&lost), "{lost:?}");
            let seen_to = ["o1".into(), "o2".into()].into();
            assert!(nothing_is_left_held(&lost, &seen_to).holds(), "{lost:?}");
        }
    }

    /// Catches: an offer to somebody who did not agree, and a confirmation that is taken for one.
    #[test]
    fn only_who_agreed_is_sent_offers() {
        let to = |name: &str| EmailAddress::new(format!("{name}@example.com")).expect("an address");
        let mail = |stream| MailEntry {
            key: "c1/x".into(),
            message: Message {
                to: to("c1"),
                subject: "x".into(),
                body: "x".into(),
                html: None,
                headers: Vec::new(),
                stream,
            },
        };
        let offer = [mail(MessageStream::Promotional)];
        let needed = [mail(MessageStream::Transactional)];
        assert!(consent_is_kept(&offer, &[to("c1")].into()).holds());
        assert!(!consent_is_kept(&offer, &[to("c2")].into()).holds());
        assert!(consent_is_kept(&needed, &BTreeSet::new()).holds());
    }

    /// Catches: a shop that leaves everything to people, or sells nothing, and says so in good order.
    #[test]
    fn a_calm_shop_sells_and_troubles_nobody() {
        let work = ["checkout/o1".to_owned()];
        assert!(nobody_is_troubled(&[]).holds() && !nobody_is_troubled(&work).holds());
        assert!(the_shop_sells(10, 1).holds() && the_shop_sells(9, 0).holds());
        assert!(!the_shop_sells(10, 0).holds());
    }

    /// Catches: an order for a cart that was left behind.
    #[test]
    fn a_cart_that_was_left_behind_is_not_sold() {
        let order = |name: &str| OrderId::new(name).expect("an id");
        let asked_for = [order("o1")].into();
        let holds =
            |name: &str| nothing_is_sold_unasked([order(name)].into_iter(), &asked_for).holds();
        assert!(holds("o1") && !holds("o2"));
    }
}
