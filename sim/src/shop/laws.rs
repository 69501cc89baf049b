//! What must hold in every world of the shop: its laws, and what its own people know beside them.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use mercato_actors::Sku;

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
            let (acknowledged, delivered) = {
                let remembered = self.memory.remembered();
                let delivered = remembered.delivered.clone();
                (remembered.acknowledged.clone(), delivered)
            };
            let evidence = Evidence {
                books: &books,
                acknowledged: &acknowledged,
                outside: &self.outside,
                unfinished_flows: end.unfinished_flows,
                must_settle: true,
                settled: end.settled,
                work_list: &laws::parts_of(&end.work_list),
                reconciled: &[],
                reopened: &end.handle,
            };
            let mut verdicts = laws::check(&evidence).await;
            verdicts.push(deliveries_are_booked_once(&books, &delivered));
            verdicts.push(nothing_is_found(&books));
            verdicts.push(nothing_is_left_held(&books));
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

/// When everything has settled, stock is held for orders that stand, and for nothing else.
fn nothing_is_left_held(books: &Books) -> Verdict {
    let mut law = Verdict::new("nothing is held for an order that was given up");
    for (sku, book) in &books.stock {
        for (reservation, units) in book.held.iter().chain(&book.committed) {
            // A hold has the name of its order, and a further one begins with it.
            let name = reservation.as_str();
            let order = name.split_once('.').map_or(name, |(order, _)| order);
            let of_order = books.orders.iter().find(|(id, _)| id.as_str() == order);
            let given_up = of_order.is_some_and(|(_, order)| order.cancelled);
            law.check(!given_up, || {
                format!("{sku}: {units} units are held by {reservation}")
            });
        }
    }
    law
}
