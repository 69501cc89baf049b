//! Unsubscribing with one click, by a link that only the shop can have made.
//!
//! The link carries a right that is sealed under the customer's own key: nobody else can make one, or
//! make another customer's of it, and nothing secret has to be set up. When the customer is erased,
//! their links end with their key.

use std::borrow::Cow;

use mercato_runtime::{
    ActivityCall, ActivityError, ActivityErrorKind, Command, Context, Decided, Decision, PersonId,
    Personal, State, Vault, codec,
};
use rand::{TryCryptoRng, TryRngCore};
use serde::{Deserialize, Serialize};

use super::MarketingAgent;
use super::customer_commands::customer_key;
use super::events::Unsubscribed;
use super::rejection::own;
use super::settings::UnsubscribeUrl;
use crate::domain::CustomerId;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 1_024;

/// Ends all promotional messages to a customer, with one click.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Who.
    pub customer: CustomerId,
}

impl Command for Unsubscribe {
    type Agent = MarketingAgent;
    type Reply = ();
    const NAME: &'static str = "Unsubscribe";

    fn entity(&self) -> Cow<'_, str> {
        customer_key(&self.customer)
    }

    fn decide(
        &self,
        _: &MarketingAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.customer, context.principal)?;
        let subscribed = state.customer().unsubscribed_at.is_none();
        let event = subscribed.then_some(Unsubscribed { at: context.now });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// What a link says, sealed. Spelt out, so that nothing else that is sealed for a person reads as it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Right {
    to: Box<str>,
}

/// The right to unsubscribe whom it is sealed for.
const TO_UNSUBSCRIBE: &str = "mercato/marketing/unsubscribe";

/// A link that no promotional message of this shop carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no link to unsubscribe; follow the one in the newest message, or change it in the account"
)]
pub struct NotALink;

/// Reads the last part of a link: what is to be asked of Marketing, on behalf of the system.
///
/// RFC 8058 wants the shop to act on a `POST` to the link without asking who calls.
///
/// # Errors
/// When no message of this shop carried such a link, or its customer was erased.
pub fn follow_link(vault: &Vault, token: &str) -> Result<Unsubscribe, NotALink> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(NotALink);
    }
    let bytes = from_hex(token).ok_or(NotALink)?;
    let sealed: Personal<Right> = codec::decode(&bytes).map_err(|_| NotALink)?;
    let right = vault.unseal(&sealed).map_err(|_| NotALink)?;
    if &*right.to != TO_UNSUBSCRIBE {
        return Err(NotALink);
    }
    let customer = CustomerId::new(sealed.person().as_str()).map_err(|_| NotALink)?;
    Ok(Unsubscribe { customer })
}

/// The link with which this person unsubscribes.
pub(super) fn link_for(
    call: &ActivityCall,
    person: &PersonId,
    url: &UnsubscribeUrl,
) -> Result<String, ActivityError> {
    // Their address was opened a moment ago, so they have a key, and none is drawn.
    let right = Right {
        to: TO_UNSUBSCRIBE.into(),
    };
    let sealed = call.vault().seal(person, &right, &mut NoKeys);
    let failed = |problem: String| {
        ActivityError::new(ActivityErrorKind::Transient, "keys_unavailable", problem)
    };
    let sealed = sealed.map_err(|error| failed(error.to_string()))?;
    let bytes = codec::encode(&sealed).map_err(|error| failed(error.to_string()))?;
    Ok(format!("{}/{}", url.as_str(), to_hex(&bytes)))
}

/// Draws nothing: a key must not be made of what anybody could guess.
struct NoKeys;

#[derive(Debug, thiserror::Error)]
#[error("a link is made for persons who have a key")]
struct NoKey;

impl TryRngCore for NoKeys {
    type Error = NoKey;

    fn try_next_u32(&mut self) -> Result<u32, NoKey> {
        Err(NoKey)
    }

    fn try_next_u64(&mut self) -> Result<u64, NoKey> {
        Err(NoKey)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), NoKey> {
        Err(NoKey)
    }
}

impl TryCryptoRng for NoKeys {}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn token(vault: &Vault, to: &str) -> String {
        let person = PersonId::new("C1").unwrap();
        let right = Right { to: to.into() };
        let sealed = vault.seal(&person, &right, &mut ChaCha20Rng::seed_from_u64(1));
        to_hex(&codec::encode(&sealed.unwrap()).unwrap())
    }

    /// Catches: a link that anybody can make, or that is good for something else.
    #[test]
    fn only_the_shops_own_links_unsubscribe() {
        let vault = Vault::in_memory().unwrap();
        let link = token(&vault, TO_UNSUBSCRIBE);
        let customer = CustomerId::new("C1").unwrap();
        assert_eq!(follow_link(&vault, &link), Ok(Unsubscribe { customer }));
        let elsewhere = token(&vault, "mercato/marketing/something");
        assert_eq!(follow_link(&vault, &elsewhere), Err(NotALink));
        // Somebody else's name in the same link.
        let other = link.replacen(&to_hex(b"C1"), &to_hex(b"C2"), 1);
        assert_ne!(other, link);
        for wrong in ["", "zz", "0", &other, &"00".repeat(2_000), "é"] {
            assert_eq!(follow_link(&vault, wrong), Err(NotALink), "{wrong}");
        }
    }

    /// Catches: a link that outlives its customer.
    #[test]
    fn a_link_ends_with_its_customers_key() {
        let vault = Vault::in_memory().unwrap();
        let link = token(&vault, TO_UNSUBSCRIBE);
        vault.erase(&[PersonId::new("C1").unwrap()]).unwrap();
        assert_eq!(follow_link(&vault, &link), Err(NotALink));
    }
}
