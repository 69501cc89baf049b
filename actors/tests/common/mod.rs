//! Sealed values for tests of agents, which have no runtime to seal for them.

use std::sync::LazyLock;

use mercato_actors::{Address, Destination};
use mercato_runtime::{PersonId, Personal, Vault};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

pub static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::in_memory().unwrap());

/// A value, sealed for somebody: the same each time.
pub fn sealed<T: Serialize>(whose: &str, value: &T) -> Personal<T> {
    let whose = PersonId::new(whose).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    VAULT.seal(&whose, value, &mut rng).unwrap()
}

/// An address, sealed for somebody.
pub fn destination(whose: &str, address: &Address) -> Destination {
    Destination::new(address.jurisdiction(), sealed(whose, address))
}
