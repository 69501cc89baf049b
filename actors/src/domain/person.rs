//! What belongs to a person. None of it shows in `Debug` or in an error: logs outlive consent.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest part of an address, in bytes.
const PART_BYTES_MAX: usize = 200;
/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3).
const EMAIL_BYTES_MAX: usize = 254;

/// Why something given for a person was refused. It never repeats what was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PersonError {
    /// A part of an address is missing.
    #[error("address has no {0}; fill it in")]
    Missing(AddressPart),
    /// A part of an address is too long.
    #[error("the {0} of the address is longer than {PART_BYTES_MAX} bytes; shorten it")]
    TooLong(AddressPart),
    /// The text is no code of a country or of a part of one.
    #[error("country is no iso 3166 code; use one such as GB, or US-CA for a part of a country")]
    Country,
    /// The text is no e-mail address.
    #[error("e-mail address is malformed; give one such as name@example.com")]
    Email,
}

/// A part of an [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AddressPart {
    /// Who receives.
    Name,
    /// Street and number.
    Street,
    /// Town.
    City,
    /// Postal code.
    PostalCode,
}

impl fmt::Display for AddressPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Street => "street",
            Self::City => "city",
            Self::PostalCode => "postal code",
        })
    }
}

/// Where tax is owed: an ISO 3166 country code, or that of a part of a country where tax is the part's
/// own matter: `GB`, `US-CA`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Jurisdiction {
    // Unused places are zero, so that the order is that of the text.
    code: [u8; Self::BYTES_MAX],
    length: u8,
}

impl Jurisdiction {
    const BYTES_MAX: usize = 6;

    /// The United Kingdom.
    pub const GB: Self = Self {
        code: *b"GB\0\0\0\0",
        length: 2,
    };

    /// The country, or part of a country, with this code: two upper-case letters, and for a part a
    /// hyphen and one to three upper-case letters or digits.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn new(code: &str) -> Result<Self, PersonError> {
        let well_formed = match code.as_bytes() {
            [a, b] => a.is_ascii_uppercase() && b.is_ascii_uppercase(),
            [a, b, b'-', part @ ..] => {
                let part_fits = (1..=3).contains(&part.len());
                let characters = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit();
                a.is_ascii_uppercase()
                    && b.is_ascii_uppercase()
                    && part_fits
                    && part.iter().all(characters)
            }
            _ => false,
        };
        let mut bytes = [0; Self::BYTES_MAX];
        match (bytes.get_mut(..code.len()), u8::try_from(code.len())) {
            (Some(place), Ok(length)) if well_formed => {
                place.copy_from_slice(code.as_bytes());
                Ok(Self {
                    code: bytes,
                    length,
                })
            }
            _ => Err(PersonError::Country),
        }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.code.get(..usize::from(self.length));
        // Upper-case ASCII is always text; the fallback keeps this free of panics.
        std::str::from_utf8(text.unwrap_or_default()).unwrap_or_default()
    }

    /// The country that this is, or is a part of.
    #[must_use]
    pub fn country(&self) -> Self {
        let [a, b, ..] = self.code;
        Self {
            code: [a, b, 0, 0, 0, 0],
            length: 2,
        }
    }
}

impl TryFrom<String> for Jurisdiction {
    type Error = PersonError;

    fn try_from(code: String) -> Result<Self, PersonError> {
        Self::new(&code)
    }
}

impl From<Jurisdiction> for String {
    fn from(country: Jurisdiction) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a parcel goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawAddress", into = "RawAddress")]
pub struct Address {
    parts: RawAddress,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RawAddress {
    name: Box<str>,
    street: Box<str>,
    city: Box<str>,
    postal_code: Box<str>,
    jurisdiction: Jurisdiction,
}

impl Address {
    /// An address; surrounding spaces are cut off.
    ///
    /// # Errors
    /// When a part is empty or longer than 200 bytes.
    pub fn new(
        name: &str,
        street: &str,
        city: &str,
        postal_code: &str,
        jurisdiction: Jurisdiction,
    ) -> Result<Self, PersonError> {
        let part = |part: AddressPart, text: &str| -> Result<Box<str>, PersonError> {
            match text.trim() {
                "" => Err(PersonError::Missing(part)),
                text if text.len() > PART_BYTES_MAX => Err(PersonError::TooLong(part)),
                text => Ok(text.into()),
            }
        };
        Ok(Self {
            parts: RawAddress {
                name: part(AddressPart::Name, name)?,
                street: part(AddressPart::Street, street)?,
                city: part(AddressPart::City, city)?,
                postal_code: part(AddressPart::PostalCode, postal_code)?,
                jurisdiction,
            },
        })
    }

    /// Who receives.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Street and number.
    #[must_use]
    pub fn street(&self) -> &str {
        &self.parts.street
    }

    /// Town.
    #[must_use]
    pub fn city(&self) -> &str {
        &self.parts.city
    }

    /// Postal code.
    #[must_use]
    pub fn postal_code(&self) -> &str {
        &self.parts.postal_code
    }

    /// The country, or part of one, which decides the tax.
    #[must_use]
    pub fn jurisdiction(&self) -> Jurisdiction {
        self.parts.jurisdiction
    }
}

impl TryFrom<RawAddress> for Address {
    type Error = PersonError;

    fn try_from(raw: RawAddress) -> Result<Self, PersonError> {
        Self::new(
            &raw.name,
            &raw.street,
            &raw.city,
            &raw.postal_code,
            raw.jurisdiction,
        )
    }
}

impl From<Address> for RawAddress {
    fn from(address: Address) -> Self {
        address.parts
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address(redacted, {})", self.parts.jurisdiction)
    }
}

/// Where mail goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct EmailAddress(Box<str>);

impl EmailAddress {
    /// An e-mail address: one `@` with text before it and a dotted domain after it. Whether mail
    /// arrives there, only sending tells.
    ///
    /// # Errors
    /// When the text is not of that form, or longer than 254 bytes.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, PersonError> {
        let text = text.into();
        let well_formed = text.len() <= EMAIL_BYTES_MAX
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.contains('@')
                    && domain.contains('.')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if well_formed {
            Ok(Self(text))
        } else {
            Err(PersonError::Email)
        }
    }

    /// The address as text, for the gateway that sends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for EmailAddress {
    type Error = PersonError;

    fn try_from(text: Box<str>) -> Result<Self, PersonError> {
        Self::new(text)
    }
}

impl From<EmailAddress> for Box<str> {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}
