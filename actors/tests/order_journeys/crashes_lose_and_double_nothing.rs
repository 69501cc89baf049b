//! Every journey, with its flow and its agents crashed at one moment after the other.

use mercato_runtime::CrashPoint;

use super::town::{ada, warehouse};
use super::*;

/// Crashes everything `at` after the beginning, and every two milliseconds for a while.
async fn crash_from(town: &Town, at: Duration) {
    tokio::time::sleep(at).await;
    for _ in 0..3 {
        town.runtime.crash_flows();
        for agent in AGENTS {
            for shard in 0..town.runtime.shards(agent) {
                town.runtime
                    .crash_shard(agent, shard, CrashPoint::NextCommand);
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Catches: a step of any journey that is lost or taken twice when the process crashes just there.
#[tokio::test(start_paused = true)]
async fn checkout_change_fulfilment_and_return_survive_a_crash_at_any_moment() {
    for step in 0..14u64 {
        let at = Duration::from_millis(step * 3);
        let town = Town::open().await;
        let basket = Basket::of(&[("tea", 2), ("coffee", 1)]);
        let (receipt, ()) = futures::join!(town.check_out(basket), crash_from(&town, at));
        let receipt = receipt.unwrap();
        let request = OrderChangeRequest {
            order: order(),
            revision: 1,
            lines: vec![
                OrderLine {
                    sku: sku("tea"),
                    quantity: Quantity::new(3).unwrap(),
                },
                OrderLine {
                    sku: sku("mate"),
                    quantity: Quantity::ONE,
                },
            ],
            segment: Segment::Standard,
        };
        let handle = town.runtime.handle();
        let caller = ada();
        let change = handle.run(&caller, ORDER_CHANGE, FlowId::new("c-1"), request);
        let (change, ()) = futures::join!(change, crash_from(&town, at));
        let change = change.unwrap();
        assert_eq!(
            change.priced.total.minor(),
            receipt.priced.total.minor() + change.difference.minor()
        );

        // The change leaves the order alone for a minute; then it is packed, under crashes.
        let (view, ()) = futures::join!(
            town.until(OrderPhase::Captured),
            crash_from(&town, Duration::from_secs(60) + at)
        );
        assert_eq!(view.captured, Some(change.priced.total), "step {step}");
        let request = ReturnRequest {
            order: order(),
            lines: view.lines,
            found: Inspection::Goods(Condition::Resaleable),
        };
        let opener = warehouse();
        let back = handle.run(&opener, RETURN, FlowId::new("r-1"), request);
        let (back, ()) = futures::join!(back, crash_from(&town, at));
        assert_eq!(back, Ok(ReturnOutcome::Refunded(change.priced.total)));
        tokio::time::sleep(HOUR).await;

        let records = town.records();
        let sum = |of: fn(&PaymentRecord) -> Option<Money>| -> i64 {
            records.values().filter_map(of).map(Money::minor).sum()
        };
        let total = change.priced.total.minor();
        assert_eq!(sum(|record| record.captured), total, "step {step}");
        assert_eq!(sum(|record| record.refunded), total, "step {step}");
        for name in ["tea", "coffee", "mate"] {
            let stock = town.balances(name).await;
            assert_eq!(
                (stock.on_hand, stock.reserved, stock.committed),
                (20, 0, 0),
                "{name}"
            );
        }
        let mails = town.mail.ledger().len();
        assert_eq!(mails, 1, "one confirmation, step {step}");
        drop(handle);
        town.close().await;
    }
}
