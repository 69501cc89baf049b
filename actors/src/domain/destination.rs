//! Where a parcel goes, as the shop keeps it: sealed, but for what decides the tax.

use mercato_runtime::{
    ActivityCall, ActivityError, ActivityErrorKind, PersonId, Personal, SealError, Sealer,
};
use serde::{Deserialize, Serialize};

use super::person::{Address, Jurisdiction};

/// An address that is sealed for a person. Its country stays in the clear: tax and the bounds of
/// delivery are decided by it, and it names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    jurisdiction: Jurisdiction,
    address: Personal<Address>,
}

impl Destination {
    /// Seals an address for a person.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal(sealer: &Sealer, person: &PersonId, address: &Address) -> Result<Self, SealError> {
        Ok(Self {
            jurisdiction: address.jurisdiction(),
            address: sealer.seal(person, address)?,
        })
    }

    /// An address that was sealed by itself, and its country.
    #[must_use]
    pub fn new(jurisdiction: Jurisdiction, address: Personal<Address>) -> Self {
        Self {
            jurisdiction,
            address,
        }
    }

    /// The country.
    #[must_use]
    pub fn jurisdiction(&self) -> Jurisdiction {
        self.jurisdiction
    }

    /// The address, sealed.
    #[must_use]
    pub fn address(&self) -> &Personal<Address> {
        &self.address
    }

    /// The address, for the carrier.
    ///
    /// # Errors
    /// Final where the person was erased, or where the sealed address lies in another country than
    /// the one in the clear: then the order was taxed for a place where it does not go.
    pub fn unseal(&self, call: &ActivityCall) -> Result<Address, ActivityError> {
        let address = call.unseal(&self.address)?;
        if address.jurisdiction() == self.jurisdiction {
            Ok(address)
        } else {
            Err(ActivityError::new(
                ActivityErrorKind::Permanent,
                "jurisdiction",
                "the address lies in another country than the order says; cancel it and order anew",
            ))
        }
    }
}
