//! The cipher: AES-SIV (RFC 5297) under one key a person.
//!
//! It is deterministic on purpose. A command that is sent twice must have the same body twice, or
//! the runtime would take the second for another command under a used id. The price is that equal
//! values of one person can be seen to be equal. Keys differ, so values of two persons cannot be
//! compared.

use std::fmt;

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::person::PersonId;

/// A key's bytes: one half authenticates, the other encrypts.
pub(super) const KEY_BYTES: usize = 64;
/// The largest value, in bytes of its stored form.
pub(super) const PLAIN_BYTES_MAX: usize = 1 << 20;
/// What sealing adds at most: the format byte, the tag, and the padding.
pub(super) const ADDED_BYTES_MAX: usize = 1 + TAG_BYTES + PAD_TO_BYTES;
/// The largest sealed value.
pub(super) const SEALED_BYTES_MAX: usize = PLAIN_BYTES_MAX + ADDED_BYTES_MAX;

/// The format byte of everything sealed by this version: AES-256-SIV, padded to 32 bytes.
const FORMAT: u8 = 1;
const TAG_BYTES: usize = 16;
/// Values are filled up to a multiple of this. What is left of an erased person is the length of
/// each value, and a name should not be told by its length.
const PAD_TO_BYTES: usize = 32;
/// Ends the value; zeros follow it (ISO/IEC 7816-4).
const END: u8 = 0x80;

/// A person's key. It stays in one place in memory, and is wiped there when it is dropped.
#[derive(Clone)]
pub(super) struct Key(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Key {
    /// A fresh key.
    pub(super) fn draw<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self, R::Error> {
        let mut key = Self(Box::new(Zeroizing::new([0; KEY_BYTES])));
        rng.try_fill_bytes(&mut **key.0)?;
        Ok(key)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Self(Box::new(Zeroizing::new([0; KEY_BYTES])));
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals at most [`PLAIN_BYTES_MAX`] bytes; `None` where the cipher refuses, which it does for
    /// no such value.
    pub(super) fn seal(&self, person: &PersonId, plain: &[u8]) -> Option<Vec<u8>> {
        let padded_bytes = (plain.len() + 1).next_multiple_of(PAD_TO_BYTES);
        let mut padded = Zeroizing::new(Vec::with_capacity(padded_bytes));
        padded.extend_from_slice(plain);
        padded.push(END);
        padded.resize(padded_bytes, 0);
        let sealed = self.cipher().encrypt(beside(person), &padded).ok()?;
        let mut formatted = Vec::with_capacity(1 + sealed.len());
        formatted.push(FORMAT);
        formatted.extend_from_slice(&sealed);
        Some(formatted)
    }

    /// Opens what [`seal`](Self::seal) made; `None` for anything else.
    pub(super) fn open(&self, person: &PersonId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = sealed.strip_prefix(&[FORMAT])?;
        let mut plain = Zeroizing::new(self.cipher().decrypt(beside(person), sealed).ok()?);
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        if plain.get(end) != Some(&END) {
            return None;
        }
        plain.truncate(end);
        Some(plain)
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new(self.bytes().into())
    }
}

/// What is authenticated beside the value: nobody else's, and no other layout, passes for it.
fn beside(person: &PersonId) -> [&[u8]; 2] {
    [person.as_str().as_bytes(), &[FORMAT]]
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::from_bytes(&[7; KEY_BYTES]).unwrap()
    }

    fn ada() -> PersonId {
        PersonId::new("ada").unwrap()
    }

    /// Catches: a length that shows, and padding that eats into a value which ends like it.
    #[test]
    fn values_of_one_size_class_seal_to_one_length() {
        let lengths: Vec<_> = (0..32)
            .map(|length| key().seal(&ada(), &vec![0; length]).unwrap().len())
            .collect();
        assert_eq!(lengths, [1 + TAG_BYTES + PAD_TO_BYTES; 32]);
        for plain in [&[][..], &[0, 0], &[END], &[END, 0, 0], &[1; 31], &[1; 32]] {
            let sealed = key().seal(&ada(), plain).unwrap();
            assert_eq!(&**key().open(&ada(), &sealed).unwrap(), plain);
        }
    }

    /// Catches: a layout of a later version that is read as one of this.
    #[test]
    fn another_format_byte_does_not_open() {
        let mut sealed = key().seal(&ada(), b"text").unwrap();
        sealed[0] = FORMAT + 1;
        assert!(key().open(&ada(), &sealed).is_none());
    }

    /// Catches: a key of another length, cut or filled up to pass.
    #[test]
    fn a_key_has_64_bytes() {
        assert!(Key::from_bytes(&[7; 63]).is_none());
        assert!(Key::from_bytes(&[7; 65]).is_none());
    }

    #[test]
    fn a_key_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", key()), "Key(redacted)");
    }
}
