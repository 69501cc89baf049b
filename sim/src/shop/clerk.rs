//! The shop's people: they book what is delivered, and change prices.

use std::time::Duration;

use mercato_actors::runtime::{Answer, AskError, Caller, CommandId, FlowError, Principal, Scope};
use mercato_actors::{
    BasisPoints, ChangePrice, CheckStock, Lifecycle, PriceChangeId, PriceChangeTerms, PriceReason,
    Quantity, ReceiveStock, Sku, StockLevels,
};
use rand::Rng;

use super::ShopScene;
use crate::lives::{Stage, Unserved, is_worth_asking_again};

const PATIENCE: Duration = Duration::from_secs(10);
/// A page may show stock as it was so long ago: caches follow the events.
const PAGE_LAG: Duration = Duration::from_secs(2);

fn clerk() -> Caller {
    Caller::new(Principal::Operator("clerk".into())).within(PATIENCE)
}

fn delivery(sku: &Sku, units: u32) -> Option<ReceiveStock> {
    Some(ReceiveStock {
        sku: sku.clone(),
        quantity: Quantity::new(units).ok()?,
    })
}

/// Books one delivery, once, however often that must be asked for.
async fn book(scene: &ShopScene, stage: &Stage, key: &str, sku: &Sku, units: u32) {
    let Some(receive) = delivery(sku, units) else {
        return;
    };
    let booked = stage.ask(key, &clerk(), receive).await;
    stage.must(
        "a delivery is booked when it is asked for",
        booked.is_ok(),
        || format!("{key}: {booked:?}"),
    );
    scene.memory.remembered().booked(key, sku, units);
}

/// A message is doubled on its way, and the second one comes late: it is answered as the first one was.
async fn comes_again(stage: &Stage, key: &str, sku: &Sku, units: u32) {
    let Some(receive) = delivery(sku, units) else {
        return;
    };
    // It was answered long ago, and the outside remembers that.
    let first = stage.ask(key, &clerk(), receive.clone()).await;
    let caller = clerk().keyed(CommandId::from_key(key));
    let ask = async || match stage.handle.ask(&caller, receive.clone()).await {
        Err(AskError::Failed(failure)) if is_worth_asking_again(&failure) => {
            Err(Unserved::because(failure))
        }
        answer => Ok(answer),
    };
    let second = stage.recall(&format!("{key}/again"), ask).await;
    stage.must(
        "what comes twice is answered as the first time",
        first == second,
        || format!("{key}: {first:?}, then {second:?}"),
    );
}

/// Puts the first units on the shelves.
pub(super) async fn open_shelves(scene: &ShopScene, stage: &Stage) {
    let first = scene.skus.iter().map(|sku| async move {
        let key = format!("opening/{sku}");
        book(scene, stage, &key, sku, scene.plan.stock_units).await;
    });
    futures::future::join_all(first).await;
}

/// Books deliveries all day long, and looks at a page after each: what was booked must be on it.
pub(super) async fn take_deliveries(scene: &ShopScene, stage: &Stage) {
    let Some(every) = scene.plan.delivery_every else {
        return;
    };
    let mut rng = stage.rng("deliveries");
    let mut at = every;
    for number in 0.. {
        if at >= scene.plan.open_for {
            return;
        }
        stage.until(at).await;
        let Some(sku) = scene.sku(rng.random_range(0..scene.skus.len())) else {
            return;
        };
        let units = rng.random_range(1..=scene.plan.line_units_max * 2);
        let key = format!("delivery/{number}");
        book(scene, stage, &key, sku, units).await;
        look(scene, stage, &format!("{key}/page"), sku).await;
        if rng.random_ratio(1, 4) {
            comes_again(stage, &key, sku, units).await;
        }
        at += every.mul_f64(rng.random_range(0.5..1.5));
    }
}

/// Looks at a page as shoppers see it.
async fn look(scene: &ShopScene, stage: &Stage, key: &str, sku: &Sku) {
    let booked: i64 = stage.note(&format!("{key}/booked"), || {
        let remembered = scene.memory.remembered();
        remembered.delivered.get(sku).copied().unwrap_or_default()
    });
    tokio::time::sleep(PAGE_LAG).await;
    let caller = clerk();
    let look = async || {
        let page = async |scope: &Scope| {
            let stock = scope.ask_shared(CheckStock { sku: sku.clone() }).await?;
            Ok::<_, FlowError>(match stock {
                Answer::Fresh(levels) => Some(levels),
                // It says of itself that it is old.
                _ => None,
            })
        };
        let shown = stage.handle.serve(&caller, page).await;
        shown.map_err(Unserved::because)
    };
    let shown: Option<StockLevels> = stage.recall(key, look).await;
    if let Some(levels) = shown {
        let received = levels.balances.received;
        stage.must(
            "a page shows no stock from before what was booked",
            i128::from(received) >= i128::from(booked),
            || format!("{sku}: the page counts {received} received, and {booked} were booked"),
        );
    }
}

/// Changes prices all day long.
pub(super) async fn change_prices(scene: &ShopScene, stage: &Stage) {
    let Some(every) = scene.plan.price_change_every else {
        return;
    };
    let mut rng = stage.rng("prices");
    let mut at = every;
    for number in 0.. {
        if at >= scene.plan.open_for {
            return;
        }
        stage.until(at).await;
        let place = rng.random_range(0..scene.skus.len());
        let by = BasisPoints::new(rng.random_range(-600..=600));
        let Some(product) = scene.catalogue.iter().nth(place) else {
            return;
        };
        at += every.mul_f64(rng.random_range(0.5..1.5));
        let (Ok(change), Ok(base)) = (
            PriceChangeId::new(format!("change{number}")),
            product.base_price.adjusted(by),
        ) else {
            continue;
        };
        let terms = PriceChangeTerms {
            base,
            cost: product.cost,
            advertised_min: None,
            lifecycle: Lifecycle::Regular,
            at: None,
            reason: PriceReason::Merchant,
        };
        let sku = product.sku.clone();
        let ask = ChangePrice { sku, change, terms };
        let changed = stage.ask(&format!("price/{number}"), &clerk(), ask).await;
        // A limit of the shop's may refuse it; nothing else may.
        let failure = match &changed {
            Err(AskError::Failed(failure)) => is_worth_asking_again(failure),
            _ => true,
        };
        stage.must("a price change is decided", failure, || {
            format!("price/{number}: {changed:?}")
        });
    }
}
