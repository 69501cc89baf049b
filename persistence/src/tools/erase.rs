//! Erases persons from a journal that nobody has open.

use std::path::{Path, PathBuf};

use super::error::ToolError;
use crate::error::OpenError;
use crate::vault::{Erased, PersonId, Vault};

/// What an erasure did to a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeysErased {
    /// Whose keys were destroyed, and whose were not there.
    pub persons: Erased,
    /// The file of keys. It was rewritten where a key was destroyed.
    pub keys: PathBuf,
}

/// Destroys the keys of `persons` in the file beside the journal at `path`, which nobody may have
/// open: from then on nobody reads what was sealed for them, in the journal or in a backup of it.
/// The journal itself stays as it is, to the byte, and need not even be there.
///
/// A running program erases with [`Vault::erase`], which says what is out of its reach, too.
///
/// ```
/// use mercato_persistence::{PersonId, Vault, WriteAhead, erase};
/// # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
/// # let mut rng = ChaCha20Rng::seed_from_u64(1);
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shop.redb");
///
/// let vault = Vault::open(Vault::path_beside(&path))?;
/// let ada = PersonId::new("customer-7")?;
/// vault.seal(&ada, &"ada@example.com", &mut rng)?;
/// vault.flush()?;
/// drop(vault);
/// assert_eq!(erase(&path, &[ada.clone()])?.persons.erased, [ada]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`ToolError`]. Nothing was erased then, unless the error says so.
pub fn erase(path: impl AsRef<Path>, persons: &[PersonId]) -> Result<KeysErased, ToolError> {
    let keys = Vault::path_beside(path);
    let vault = Vault::existing(&keys).map_err(OpenError::from)?;
    let persons = vault.erase(persons)?;
    Ok(KeysErased { persons, keys })
}
