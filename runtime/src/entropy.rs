//! The one room that draws randomness.
//!
//! A runtime has one [`Entropy`]. Under a fixed seed every draw of a run is the same each time, so
//! ids, jitter and simulated shoppers repeat. Components take a *fork* with a label of their own:
//! one component drawing more does not change what the others draw.

use parking_lot::Mutex;
use rand::rand_core::OsError;
use rand::rngs::OsRng;
use rand::{RngCore, SeedableRng, TryCryptoRng, TryRngCore};
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The source of a runtime's random draws.
#[derive(Debug)]
pub struct Entropy {
    seed: u64,
    ids: Mutex<ChaCha8Rng>,
    keys: Keys,
}

/// Where keys come from. A seed has 64 bits, and whoever learns it repeats every draw of a run; so
/// a real key is never drawn from it.
#[derive(Debug)]
enum Keys {
    System,
    Seeded(Box<Mutex<ChaCha20Rng>>),
}

impl Entropy {
    /// Draws that repeat, keys of persons included: the same seed gives the same run. For tests
    /// and simulations; what is sealed under such a key is as safe as the seed is secret.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            ids: Mutex::new(rng_for(seed, "ids")),
            keys: Keys::Seeded(Box::new(Mutex::new(keys_for(seed, "keys")))),
        }
    }

    /// Draws that differ from run to run, seeded once by the operating system: for production.
    /// Keys of persons are drawn from the operating system itself, each by its own.
    #[must_use]
    pub fn system() -> Self {
        let mut seed = [0u8; 8];
        // `from_os_rng` is the one call that leaves the process.
        ChaCha8Rng::from_os_rng().fill_bytes(&mut seed);
        Self {
            keys: Keys::System,
            ..Self::seeded(u64::from_le_bytes(seed))
        }
    }

    /// The same source for a run that goes on over a journal with `records` records. Ids are drawn
    /// anew then: with the same ones as the run before, new commands would pass for repeated ones.
    #[must_use]
    pub(crate) fn continued_after(self, records: u64) -> Self {
        Self {
            ids: Mutex::new(rng_for(self.seed, &format!("ids after {records}"))),
            // Two persons must not get one key because a run began anew between them.
            keys: match self.keys {
                Keys::System => Keys::System,
                Keys::Seeded(_) => {
                    let label = format!("keys after {records}");
                    Keys::Seeded(Box::new(Mutex::new(keys_for(self.seed, &label))))
                }
            },
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

    /// Draws for the keys of persons.
    #[must_use]
    pub fn keys(&self) -> impl TryCryptoRng<Error = OsError> + '_ {
        KeyDraws(&self.keys)
    }

    /// A fresh random identifier (RFC 9562 version 4 layout).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0u8; 16];
        self.ids.lock().fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// The lock is taken for a draw only, which happens once a person.
struct KeyDraws<'a>(&'a Keys);

impl TryRngCore for KeyDraws<'_> {
    type Error = OsError;

    fn try_next_u32(&mut self) -> Result<u32, OsError> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, OsError> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), OsError> {
        match self.0 {
            Keys::System => OsRng.try_fill_bytes(bytes),
            Keys::Seeded(rng) => {
                rng.lock().fill_bytes(bytes);
                Ok(())
            }
        }
    }
}

impl TryCryptoRng for KeyDraws<'_> {}

fn keys_for(seed: u64, label: &str) -> ChaCha20Rng {
    let mut from = [0; 32];
    rng_for(seed, label).fill_bytes(&mut from);
    ChaCha20Rng::from_seed(from)
}

/// A generator that depends on the seed and the label only.
pub(crate) fn rng_for(seed: u64, label: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(label.as_bytes(), seed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(entropy: &Entropy) -> [u8; 64] {
        let mut key = [0; 64];
        entropy.keys().try_fill_bytes(&mut key).unwrap();
        key
    }

    /// Catches: two persons with one key, drawn in one run or in two over the same journal.
    #[test]
    fn no_key_is_drawn_twice() {
        let entropy = Entropy::seeded(7);
        let first = key(&entropy);
        let second = key(&entropy);
        let anew = |records| key(&Entropy::seeded(7).continued_after(records));
        let (later, last) = (anew(1), anew(2));
        assert!(first != second && ![first, second, last].contains(&later));
        assert!(![first, second].contains(&last), "nor in a third run");
        assert_eq!(key(&Entropy::seeded(7)), first, "the same run repeats");
    }

    /// Catches: numbers for keys that are not drawn at all.
    #[test]
    fn keys_may_be_drawn_as_numbers_too() {
        let entropy = Entropy::seeded(7);
        let drawn = key(&Entropy::seeded(7));
        let mut keys = entropy.keys();
        let small = keys.try_next_u32().unwrap();
        let large = keys.try_next_u64().unwrap();
        assert_eq!(small.to_le_bytes(), drawn[..4]);
        assert_eq!(large.to_le_bytes(), drawn[4..12]);
    }

    /// Catches: production keys that follow from the run's seed, which is 64 bits and no secret.
    #[test]
    fn a_real_key_does_not_follow_from_the_seed() {
        let real = Entropy::system();
        let repeated = Entropy::seeded(real.seed());
        assert_eq!(real.uuid(), repeated.uuid(), "ids do");
        assert_ne!(key(&real), key(&repeated));
        let real = real.continued_after(3);
        assert_ne!(key(&real), key(&repeated.continued_after(3)));
    }
}
