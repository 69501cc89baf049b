//! Crashes on purpose: agents in turn, flows now and then.

use std::time::Duration;

use mercato_actors::runtime::{CrashPoint, Runtime};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// At every so manyth crash all flows on their way are crashed as well.
const FLOWS_EVERY: u64 = 7;

/// Crashes one shard after the other until it is dropped; each agent in turn, at its idlest and at
/// its busiest moment. `crashed` counts them.
pub(crate) async fn inject(
    runtime: &Runtime,
    agents: &[&'static str],
    every: Duration,
    mut rng: ChaCha8Rng,
    crashed: &mut u64,
) {
    for agent in agents.iter().cycle() {
        tokio::time::sleep(every).await;
        let shards = runtime.shards(agent);
        if shards == 0 {
            continue;
        }
        let point = if rng.random() {
            CrashPoint::Idle
        } else {
            CrashPoint::NextCommand
        };
        if runtime.crash_shard(agent, rng.random_range(0..shards), point) {
            *crashed += 1;
        }
        if crashed.is_multiple_of(FLOWS_EVERY) {
            runtime.crash_flows();
        }
    }
}
