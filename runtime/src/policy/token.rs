//! Tokens: one that many calls share, refreshed by one of them for all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// What a dependency accepts instead of credentials. It is wiped from memory with its last copy, and
/// never shows itself.
#[derive(Clone)]
pub struct Token(Arc<Zeroizing<String>>);

impl Token {
    /// The token with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text, for the header of a request and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Gets tokens for one dependency.
///
/// It is called by one call at a time. The call's deadline stands over it; a call that goes away in
/// the middle leaves the work to the next one.
pub trait Credentials: Send + Sync + 'static {
    /// A token in exchange for the one that is no longer accepted.
    fn refresh<'a>(&'a self, expired: &'a Token) -> BoxFuture<'a, Result<Token, CredentialsError>>;

    /// A token in exchange for the credentials themselves: at first, and where none that was
    /// refreshed is accepted.
    fn authenticate(&self) -> BoxFuture<'_, Result<Token, CredentialsError>>;
}

/// Why there is no token. It carries a constant, so that no secret gets into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no token was given ({code}); check the credentials")]
pub struct CredentialsError {
    /// A short name for programs: `refresh_token_expired`.
    pub code: &'static str,
}

/// How a call came by a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    /// Somebody else had got it already.
    Shared,
    Got,
}

/// The token of one dependency. It is asked for by one call at a time, for all of them.
pub struct TokenKeeper {
    credentials: Arc<dyn Credentials>,
    held: Mutex<Held>,
    /// How many times tokens were asked for, successfully or not.
    tries: AtomicU64,
}

#[derive(Default)]
struct Held {
    token: Option<Issued>,
    issued: u64,
    failed: Option<CredentialsError>,
}

/// A token and its number, by which a call says which of them was not accepted.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) number: u64,
    pub(super) token: Token,
}

impl TokenKeeper {
    /// A keeper that has no token yet; the first call gets it.
    #[must_use]
    pub fn new(credentials: Arc<dyn Credentials>) -> Self {
        Self {
            credentials,
            held: Mutex::default(),
            tries: AtomicU64::new(0),
        }
    }

    /// The token in use; where there is none, by [`Credentials::authenticate`].
    pub(super) async fn token(&self) -> Result<Issued, CredentialsError> {
        let tries = self.tries.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(issued) = &held.token {
            return Ok(issued.clone());
        }
        self.joined(tries, &held)?;
        let got = self.credentials.authenticate().await;
        self.keep(&mut held, got)
    }

    /// A token in place of this one, which was not accepted, by [`Credentials::refresh`].
    pub(super) async fn refresh(&self, refused: &Issued) -> Result<Renewed, CredentialsError> {
        self.renew(refused, self.credentials.refresh(&refused.token))
            .await
    }

    /// The same, by [`Credentials::authenticate`].
    pub(super) async fn authenticate_anew(
        &self,
        refused: &Issued,
    ) -> Result<Renewed, CredentialsError> {
        self.renew(refused, self.credentials.authenticate()).await
    }

    async fn renew(
        &self,
        refused: &Issued,
        get: impl Future<Output = Result<Token, CredentialsError>>,
    ) -> Result<Renewed, CredentialsError> {
        let tries = self.tries.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        let known = held.token.as_ref();
        if known.is_some_and(|it| it.number != refused.number) {
            return Ok(Renewed::Shared);
        }
        self.joined(tries, &held)?;
        let got = get.await;
        self.keep(&mut held, got).map(|_| Renewed::Got)
    }

    /// Whoever waited while another asked and failed has failed with it: a queue of them would ask
    /// one after the other otherwise.
    fn joined(&self, tries: u64, held: &Held) -> Result<(), CredentialsError> {
        match held.failed {
            Some(failed) if self.tries.load(Ordering::Acquire) != tries => Err(failed),
            _ => Ok(()),
        }
    }

    fn keep(
        &self,
        held: &mut Held,
        got: Result<Token, CredentialsError>,
    ) -> Result<Issued, CredentialsError> {
        self.tries.fetch_add(1, Ordering::AcqRel);
        held.failed = got.as_ref().err().copied();
        held.issued += 1;
        let issued = got.map(|token| Issued {
            number: held.issued,
            token,
        });
        // A token that cannot be renewed is not shown again.
        held.token = issued.as_ref().ok().cloned();
        issued
    }
}

impl fmt::Debug for TokenKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeeper").finish_non_exhaustive()
    }
}
