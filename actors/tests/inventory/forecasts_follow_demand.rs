//! The forecast of a product: made from what was asked for, kept, and held against what came.

use super::*;

fn forecast(shop: &mut Shop) -> Forecast {
    shop.ask(&ForecastDemand { sku: sku() }).unwrap()
}

/// Sells so many a day for some days, at noon.
fn sell_daily(shop: &mut Shop, name: &str, days: u32, a_day: u32) {
    for day in 0..days {
        sell(shop, &format!("{name}-{day}"), a_day);
        shop.pass(DAY);
    }
}

/// Catches: demand that does not reach the reorder point, or never leaves it.
#[test]
fn demand_raises_the_reorder_point_and_its_end_lowers_it() {
    let mut shop = stocked(10_000);
    assert_eq!(forecast(&mut shop).per_hour_milli, 0);
    assert_eq!(forecast(&mut shop).reorder_point, 5);
    sell_daily(&mut shop, "busy", 30, 24);
    let busy = forecast(&mut shop);
    assert!((950..1_050).contains(&busy.per_hour_milli), "{busy:?}");
    assert!((46..=50).contains(&busy.lead_time_units), "{busy:?}");
    assert!(busy.reorder_point >= busy.lead_time_units + 5);
    assert!(busy.order_up_to > busy.reorder_point + 24 * 6);
    // A commit makes a forecast that is older than a day anew.
    let revised = |event: &InventoryEvent| matches!(event, InventoryEvent::ForecastRevised(_));
    assert!(shop.count(revised) >= 29);
    shop.pass(DAY * 60);
    let revise = ReviseForecast { sku: sku() };
    let quiet = shop.ask(&revise).unwrap();
    assert!(quiet.per_hour_milli < 100, "{quiet:?}");
}

/// Catches: a reorder point that stays where it was when stock was last counted low by it.
#[test]
fn the_reorder_point_in_force_is_that_of_the_latest_forecast() {
    let mut shop = stocked(300);
    sell_daily(&mut shop, "busy", 20, 10);
    // A hundred are left: enough for five units of safety, too little for ten a day.
    let seen = report(&mut shop);
    assert!(seen.forecast.reorder_point > 20);
    sell_daily(&mut shop, "more", 8, 10);
    let low = |event: &InventoryEvent| matches!(event, InventoryEvent::LowStockDetected(_));
    assert!(shop.count(low) >= 1);
    assert!(levels(&mut shop).available >= 20);
}

/// Catches: days with an empty shelf taken for days without demand.
#[test]
fn an_empty_shelf_does_not_lower_the_forecast() {
    let mut shop = stocked(24 * 20);
    // Late in the evening, so that the shelf is empty from midnight on.
    shop.pass(HOUR * 11 + HOUR * 59 / 60);
    sell_daily(&mut shop, "busy", 20, 24);
    assert_eq!(levels(&mut shop).available, 0);
    let before = forecast(&mut shop).per_hour_milli;
    shop.pass(DAY * 10);
    let after = forecast(&mut shop).per_hour_milli;
    assert!(after * 10 > before * 9, "{before} before, {after} after");
    let depleted = |event: &InventoryEvent| matches!(event, InventoryEvent::StockDepleted(_));
    assert_eq!(shop.count(depleted), 1);
    shop.ask(&receive(1)).unwrap();
    let replenished = |event: &InventoryEvent| matches!(event, InventoryEvent::StockReplenished(_));
    assert_eq!(shop.count(replenished), 1);
}

/// Catches: errors that are not measured, or measured on what was shown.
#[test]
fn its_own_error_is_measured_and_kept() {
    let mut shop = stocked(100_000);
    sell_daily(&mut shop, "steady", 40, 20);
    let steady = forecast(&mut shop)
        .measured
        .expect("lead times have passed");
    assert!(steady.forecasts >= 8, "{steady:?}");
    // The demand trebles: forecasts made before were too low, and that shows.
    sell_daily(&mut shop, "surprise", 10, 60);
    let surprised = forecast(&mut shop).measured.unwrap();
    assert!(surprised.forecasts > steady.forecasts);
    assert!(
        surprised.bias_milli < steady.bias_milli,
        "{steady:?} {surprised:?}"
    );
    assert!(surprised.absolute_share_milli > steady.absolute_share_milli);
}

/// Catches: a month's season that is counted twice, or put on the past.
#[test]
fn the_season_of_the_coming_month_is_put_on() {
    // From 10 October 2020 to the first of November, in which more is asked for.
    let october = Timestamp::from_millis(1_602_288_000_000);
    let mut shop = empty().at(october);
    shop.ask(&receive(10_000)).unwrap();
    sell_daily(&mut shop, "steady", 22, 24);
    let november = forecast(&mut shop);
    assert!(
        (1_270..1_330).contains(&november.per_hour_milli),
        "{november:?}"
    );
}
