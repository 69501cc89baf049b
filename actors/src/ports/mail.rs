//! The port that sends mail.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures::future::{self, BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};
use crate::domain::EmailAddress;

/// Sends messages to people.
pub trait Mail: Send + Sync + 'static {
    /// Sends a message once: a repeated key sends nothing more.
    ///
    /// # Errors
    /// When the message was not accepted, or nobody knows whether it was.
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), MailError>>;
}

/// A message to one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who receives it.
    pub to: EmailAddress,
    /// Its subject line.
    pub subject: Box<str>,
    /// Its text.
    pub body: Box<str>,
    /// The text as HTML, where it has that beside the plain one.
    #[serde(default)]
    pub html: Option<Box<str>>,
    /// Headers beside the usual ones: how to unsubscribe from what is promotional.
    #[serde(default)]
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// By which of the shop's streams it goes.
    #[serde(default)]
    pub stream: MessageStream,
}

/// Gateways keep what customers need apart from what they agreed to: complaints about the latter must
/// not delay the former.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageStream {
    /// The customer needs it.
    #[default]
    Transactional,
    /// The customer agreed to it.
    Promotional,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message(redacted)")
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The gateway cannot be reached, or is busy: the same key may be tried again.
    #[error("the mail gateway is unavailable; try again with the same key")]
    Transient,
    /// The gateway will not send it.
    #[error("the mail gateway refused the message: {reason}")]
    Refused {
        /// What the gateway says; it holds no address.
        reason: Box<str>,
    },
    /// Nobody can be reached there, now or later.
    #[error("the mail gateway knows no such address; ask the customer for another")]
    NoSuchAddress,
    /// The gateway must not send anything there.
    #[error("the mail gateway has the address on its suppression list; nothing is sent there")]
    Suppressed,
}

impl From<LedgerFull> for MailError {
    fn from(full: LedgerFull) -> Self {
        Self::Refused {
            reason: full.to_string().into(),
        }
    }
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailEntry {
    /// The key that asked for it.
    pub key: Box<str>,
    /// What was sent.
    pub message: Message,
}

impl LedgerEntry for MailEntry {
    fn key(&self) -> &str {
        &self.key
    }
}

/// A mail gateway inside this process: a sent message is an entry in its ledger.
pub struct InProcessMail {
    // Each held for a few instructions and never across an await.
    ledger: Mutex<Ledger<MailEntry>>,
    suppressed: Mutex<BTreeSet<EmailAddress>>,
}

impl InProcessMail {
    /// A gateway that has sent nothing.
    #[must_use]
    pub fn new(options: LedgerOptions<MailEntry>) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(options)),
            suppressed: Mutex::default(),
        }
    }

    /// Puts an address on the gateway's suppression list. It holds for whoever has that address: the
    /// shop itself knows addresses sealed only, and cannot tell that two customers share one.
    pub fn suppress(&self, address: EmailAddress) {
        let mut suppressed = self
            .suppressed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        suppressed.insert(address);
    }

    /// Puts back what an earlier life of this gateway did.
    ///
    /// # Errors
    /// When there are more entries than the options allow.
    pub fn restore(&self, entries: impl IntoIterator<Item = MailEntry>) -> Result<(), LedgerFull> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .into_iter()
            .try_for_each(|entry| ledger.restore(entry))
    }

    /// Everything that was sent, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<MailEntry> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.entries().to_vec()
    }
}

impl Mail for InProcessMail {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.find(key).is_some() {
            return future::ready(Ok(())).boxed();
        }
        let suppressed = self
            .suppressed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if suppressed.contains(&message.to) {
            return future::ready(Err(MailError::Suppressed)).boxed();
        }
        let entry = MailEntry {
            key: key.into(),
            message: message.clone(),
        };
        future::ready(ledger.record(entry).map_err(MailError::from)).boxed()
    }
}
