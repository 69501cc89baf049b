//! The one room that draws randomness.
//!
//! A runtime has one [`Entropy`]. Under a fixed seed every draw of a run is the same each time, so
//! ids, jitter and simulated shoppers repeat. Components take a *fork* with a label of their own:
//! one component drawing more does not change what the others draw.

use parking_lot::Mutex;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The source of a runtime's random draws.
#[derive(Debug)]
pub struct Entropy {
    seed: u64,
    ids: Mutex<ChaCha8Rng>,
}

impl Entropy {
    /// Draws that repeat: the same seed gives the same run.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            ids: Mutex::new(rng_for(seed, "ids")),
        }
    }

    /// Draws that differ from run to run, seeded once by the operating system: for production.
    #[must_use]
    pub fn system() -> Self {
        let mut seed = [0u8; 8];
        // `from_os_rng` is the one call that leaves the process.
        ChaCha8Rng::from_os_rng().fill_bytes(&mut seed);
        Self::seeded(u64::from_le_bytes(seed))
    }

    /// The same source for a run that goes on over a journal with `records` records. Ids are drawn
    /// anew then: with the same ones as the run before, new commands would pass for repeated ones.
    #[must_use]
    pub(crate) fn continued_after(self, records: u64) -> Self {
        Self {
            ids: Mutex::new(rng_for(self.seed, &format!("ids after {records}"))),
            ..self
        }
    }

    /// The seed that repeats this run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator of its own for one component; the same label gives the same draws.
    #[must_use]
    pub fn fork(&self, label: &str) -> ChaCha8Rng {
        rng_for(self.seed, label)
    }

    /// A fresh random identifier (RFC 9562 version 4 layout).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0u8; 16];
        self.ids.lock().fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// A generator that depends on the seed and the label only.
pub(crate) fn rng_for(seed: u64, label: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(label.as_bytes(), seed))
}
