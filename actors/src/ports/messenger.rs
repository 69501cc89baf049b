//! The ports that send SMS, push notifications and messages on social media.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{self, BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerEntry, LedgerFull, LedgerOptions};

/// Sends texts to people by one channel.
pub trait Messenger: Send + Sync + 'static {
    /// Sends a text once: a repeated key sends nothing more.
    ///
    /// # Errors
    /// When the text was not accepted, or nobody knows whether it was.
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<(), MessengerError>>;
}

/// A text for one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// Who receives it: a telephone number, a device's token, a handle.
    pub to: Box<str>,
    /// What stands above it, where the channel shows that.
    pub title: Box<str>,
    /// What it says.
    pub text: Box<str>,
}

impl fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextMessage(redacted)")
    }
}

/// Why a text was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessengerError {
    /// The gateway cannot be reached, or is busy: the same key may be tried again.
    #[error("the gateway is unavailable; try again with the same key")]
    Transient,
    /// The gateway will not send it.
    #[error("the gateway refused the message: {reason}")]
    Refused {
        /// What the gateway says; it holds no address.
        reason: Box<str>,
    },
    /// Nobody can be reached there, now or later.
    #[error("the gateway knows no such address; ask the customer for another")]
    NoSuchAddress,
    /// The gateway must not send anything there.
    #[error("the gateway has the address on its suppression list; nothing is sent there")]
    Suppressed,
}

impl From<LedgerFull> for MessengerError {
    fn from(full: LedgerFull) -> Self {
        Self::Refused {
            reason: full.to_string().into(),
        }
    }
}

/// The gateways of the channels beside mail.
#[derive(Clone)]
pub struct Messengers {
    /// Sends SMS.
    pub sms: Arc<dyn Messenger>,
    /// Sends push notifications.
    pub push: Arc<dyn Messenger>,
    /// Sends messages on social media.
    pub social: Arc<dyn Messenger>,
}

impl Messengers {
    /// Gateways inside this process.
    #[must_use]
    pub fn in_process() -> Self {
        let gateway = || Arc::new(InProcessMessenger::new(LedgerOptions::default()));
        Self {
            sms: gateway(),
            push: gateway(),
            social: gateway(),
        }
    }
}

/// A text that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextEntry {
    /// The key that asked for it.
    pub key: Box<str>,
    /// What was sent.
    pub message: TextMessage,
}

impl LedgerEntry for TextEntry {
    fn key(&self) -> &str {
        &self.key
    }
}

/// A gateway inside this process: a sent text is an entry in its ledger.
pub struct InProcessMessenger {
    // Each held for a few instructions and never across an await.
    ledger: Mutex<Ledger<TextEntry>>,
    suppressed: Mutex<BTreeSet<Box<str>>>,
}

impl InProcessMessenger {
    /// A gateway that has sent nothing.
    #[must_use]
    pub fn new(options: LedgerOptions<TextEntry>) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(options)),
            suppressed: Mutex::default(),
        }
    }

    /// Puts an address on the gateway's suppression list.
    pub fn suppress(&self, address: impl Into<Box<str>>) {
        let mut suppressed = self
            .suppressed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        suppressed.insert(address.into());
    }

    /// Everything that was sent, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<TextEntry> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.entries().to_vec()
    }

    fn record(&self, key: &str, message: &TextMessage) -> Result<(), MessengerError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.find(key).is_some() {
            return Ok(());
        }
        let suppressed = self
            .suppressed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if suppressed.contains(&message.to) {
            return Err(MessengerError::Suppressed);
        }
        let entry = TextEntry {
            key: key.into(),
            message: message.clone(),
        };
        Ok(ledger.record(entry)?)
    }
}

impl Messenger for InProcessMessenger {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a TextMessage,
    ) -> BoxFuture<'a, Result<(), MessengerError>> {
        future::ready(self.record(key, message)).boxed()
    }
}
