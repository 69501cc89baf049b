//! Waits are exact in virtual time without jitter, within their bounds with it, and follow the seed.

use std::time::Duration;

use mercato_supervisor::{Backoff, Intensity, StartError, Strategy};

use crate::common::{Log, Tell, clock, flaky_probe, probe, root, start_seeded};

/// Crashes a child which then fails to start `failures` times; returns the instants of its starts
/// in milliseconds since the crash, and the notices.
async fn starts_after_crash(backoff: Backoff, failures: u32, seed: u64) -> (Vec<u64>, Vec<String>) {
    let (work, notices, starts) = (Log::default(), Log::default(), Log::default());
    let now = clock();
    let (a, first) = flaky_probe("a", &work, {
        let starts = starts.clone();
        move |start| {
            starts.push(now().as_millis().to_string());
            if (1..=failures).contains(&start) {
                Err(StartError::refused("not yet"))
            } else {
                Ok(())
            }
        }
    });
    let mut spec = root(Strategy::OneForOne, [first]);
    spec.backoff = backoff;
    spec.intensity = Intensity {
        restarts_max: 20,
        period: Duration::from_secs(3600),
    };
    let tree = start_seeded(spec, &notices, seed).await.unwrap();
    a.try_send(Tell::PanicBefore(2)).unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    tree.stop().await;
    let starts = starts
        .take()
        .iter()
        .skip(1)
        .map(|at| at.parse().unwrap())
        .collect();
    (starts, notices.take())
}

const EXACT: Backoff = Backoff {
    initial: Duration::from_millis(100),
    max: Duration::from_millis(1000),
    factor: 2.0,
    jitter: 0.0,
};

/// Catches: a first restart that waits, another factor, and a bound that is not kept.
#[tokio::test(start_paused = true)]
async fn waits_are_exact_without_jitter() {
    let (starts, _) = starts_after_crash(EXACT, 6, 1).await;
    // At once, then after 100, 200, 400, 800 ms, and from then on never longer than the maximum.
    assert_eq!(starts, [0, 100, 300, 700, 1500, 2500, 3500]);
}

/// Catches: jitter that lengthens a wait, or is drawn from no seed.
#[tokio::test(start_paused = true)]
async fn waits_are_within_bounds_with_jitter() {
    let jittered = Backoff {
        jitter: 0.5,
        ..EXACT
    };
    let mut distinct = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let (starts, _) = starts_after_crash(jittered, 4, seed).await;
        assert_eq!(
            starts[0], 0,
            "the first restart is immediate whatever the seed"
        );
        for (waited, full) in starts
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .zip([100, 200, 400])
        {
            // Tokio's timers round up to a millisecond.
            assert!(
                (full / 2..=full + 1).contains(&waited),
                "{waited} of {full} with seed {seed}"
            );
        }
        distinct.insert(starts);
    }
    assert!(distinct.len() > 15, "seeds lead to different waits");
}

/// Catches: one wait for all children, and one that begins anew when another begins.
#[tokio::test(start_paused = true)]
async fn each_child_waits_for_its_own_backoff() {
    let (work, notices) = (Log::default(), Log::default());
    let (a, first) = probe("a", &work);
    let (b, second) = probe("b", &work);
    let mut spec = root(Strategy::OneForOne, [first, second]);
    spec.backoff = EXACT;
    let tree = start_seeded(spec, &notices, 1).await.unwrap();
    let at = |ms| tokio::time::sleep(Duration::from_millis(ms));
    // Each is restarted at once and then, since its message kills it again, after 100 ms.
    a.try_send(Tell::PanicBefore(3)).unwrap();
    at(50).await;
    b.try_send(Tell::PanicBefore(3)).unwrap();
    at(55).await;
    assert_eq!(
        work.take(),
        ["a at attempt 3"],
        "the wait of a ends at 100 ms"
    );
    at(40).await;
    assert_eq!(work.take(), [""; 0]);
    at(10).await;
    assert_eq!(work.take(), ["b at attempt 3"], "and that of b at 150 ms");
    tree.stop().await;
}

/// Catches: a draw from elsewhere than the tree's randomness.
#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_sequence_of_notices() {
    let jittered = Backoff {
        jitter: 1.0,
        ..EXACT
    };
    let (_, first) = starts_after_crash(jittered, 8, 42).await;
    let (_, again) = starts_after_crash(jittered, 8, 42).await;
    let (_, other) = starts_after_crash(jittered, 8, 43).await;
    assert_eq!(first, again);
    assert_ne!(first, other);
}
