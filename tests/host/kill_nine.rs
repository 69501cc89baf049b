//! Killing the process in the middle of a live run loses nothing that was acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mercato_actors::runtime::Event;
use mercato_actors::runtime::persistence::verify;
use mercato_actors::{OrderEvent, OrderId};
use mercato_sim::Acknowledgement;

use crate::command::{mercato, succeeds};

/// How many orders must have been acknowledged before each kill.
const ACKNOWLEDGED_MIN: usize = 4;

/// Catches: acknowledging before the commit, redoing what was done, a journal that does not open
/// after a kill, and a gateway that is charged again by the flows that go on.
#[test]
fn a_killed_process_loses_no_acknowledged_order_and_doubles_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("shop.redb");
    let log = folder.path().join("shop.redb.acks.jsonl");
    for round in 1..=2 {
        let mut shop = mercato()
            .args([
                "simulate",
                "--live",
                "--shoppers",
                "900",
                "--duration",
                "20s",
            ])
            .args(["--crash", "500ms", "--store"])
            .arg(&store)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        wait_for(&log, round * ACKNOWLEDGED_MIN, &mut shop);
        shop.kill().expect("it is killed");
        shop.wait().expect("it is gone");

        succeeds(mercato().args(["journal", "verify"]).arg(&store));
        let acknowledged = acknowledgements(&log);
        assert!(acknowledged.len() >= round * ACKNOWLEDGED_MIN);
        let placed = placed(&store);
        for order in &acknowledged {
            assert_eq!(placed.get(&order.order), Some(&1), "{}", order.order);
        }
    }
    // The next run opens the same store, goes on with the flows that were cut, and holds the laws
    // against the clients' log of all three runs.
    let report = succeeds(
        mercato()
            .args([
                "simulate",
                "--live",
                "--shoppers",
                "100",
                "--duration",
                "2s",
                "--store",
            ])
            .arg(&store),
    );
    assert!(report.contains("every law held"), "{report}");
}

/// Waits until the clients' log has so many whole lines.
fn wait_for(log: &Path, lines: usize, shop: &mut std::process::Child) {
    for _ in 0..1_200 {
        let text = std::fs::read(log).unwrap_or_default();
        if text.iter().filter(|byte| **byte == b'\n').count() >= lines {
            return;
        }
        let ended = shop.try_wait().expect("its status");
        assert!(ended.is_none(), "it ended by itself: {ended:?}");
        crate::command::pause(Duration::from_millis(50));
    }
    shop.kill().expect("it is killed");
    panic!("fewer than {lines} orders were acknowledged in a minute");
}

fn acknowledgements(log: &Path) -> Vec<Acknowledgement> {
    let text = std::fs::read_to_string(log).expect("the log");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the log"))
        .collect()
}

/// How often each order was placed, by the journal alone.
fn placed(store: &Path) -> BTreeMap<OrderId, u64> {
    let mut placed = BTreeMap::new();
    let report = verify(store, |recorded| {
        if !recorded.append.stream.starts_with("order/") {
            return;
        }
        for event in &recorded.append.events {
            let event = OrderEvent::decode(&event.name, event.version, &event.payload);
            if let OrderEvent::OrderPlaced(event) = event.expect("a known event") {
                *placed.entry(event.order).or_default() += 1;
            }
        }
    });
    assert!(report.expect("it opens").is_sound());
    placed
}
