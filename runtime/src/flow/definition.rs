//! Flows by type, and by name.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Flow;
use super::error::{FlowError, FlowFailure};
use crate::codec;
use crate::event::CodecError;

/// The name, version and types of a flow; the function is registered under it with
/// [`RuntimeBuilder::flow`](crate::RuntimeBuilder::flow).
pub struct FlowType<I, O, E> {
    pub(crate) name: &'static str,
    pub(crate) version: u16,
    pub(crate) budget: Option<Duration>,
    types: PhantomData<fn(I) -> Result<O, E>>,
}

impl<I, O, E> FlowType<I, O, E> {
    /// A flow type. Raise the version when the function takes another path than before, so that
    /// instances already on their way are not continued on it.
    #[must_use]
    pub const fn new(name: &'static str, version: u16) -> Self {
        Self {
            name,
            version,
            budget: None,
            types: PhantomData,
        }
    }

    /// The same with a limit on how long an instance may take from its start. A step after it
    /// fails with [`AskFailure::DeadlineExceeded`](crate::AskFailure::DeadlineExceeded); the undos
    /// that follow have time of their own. Without it a flow may take as long as it takes.
    #[must_use]
    pub const fn within(self, budget: Duration) -> Self {
        Self {
            budget: Some(budget),
            ..self
        }
    }

    /// The flow's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<I, O, E> Clone for FlowType<I, O, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O, E> Copy for FlowType<I, O, E> {}

impl<I, O, E> fmt::Debug for FlowType<I, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// The flows of one runtime.
pub(crate) type Definitions = BTreeMap<&'static str, Arc<dyn Definition>>;

/// A flow with its types put away.
pub(crate) trait Definition: Send + Sync {
    fn version(&self) -> u16;

    /// Runs the function from its start. `Ok` and `Err` both hold an encoded `Result<O, E>`.
    fn run(&self, flow: Flow, input: Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, Vec<u8>>>;

    /// The encoded outcome of a flow that failed for this reason.
    fn failed(&self, error: FlowError) -> Vec<u8>;

    /// Why the flow with this outcome failed, in words.
    fn describe(&self, outcome: &[u8]) -> String;
}

type Function<I, O, E> = Box<dyn Fn(Flow, I) -> BoxFuture<'static, Result<O, E>> + Send + Sync>;

pub(crate) struct TypedFlow<I, O, E> {
    version: u16,
    function: Arc<Function<I, O, E>>,
}

impl<I, O, E> TypedFlow<I, O, E> {
    pub(crate) fn new<F, Fut>(version: u16, function: F) -> Self
    where
        F: Fn(Flow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        Self {
            version,
            function: Arc::new(Box::new(move |flow, input| function(flow, input).boxed())),
        }
    }
}

impl<I, O, E> Definition for TypedFlow<I, O, E>
where
    I: DeserializeOwned + Send + 'static,
    O: Serialize + DeserializeOwned + Send + 'static,
    E: FlowFailure,
{
    fn version(&self) -> u16 {
        self.version
    }

    fn run(&self, flow: Flow, input: Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, Vec<u8>>> {
        let function = self.function.clone();
        async move {
            let outcome: Result<O, E> = match codec::decode(&input) {
                Ok(input) => function(flow, input).await,
                Err(error) => Err(E::from(error_of_input(&error))),
            };
            match codec::encode(&outcome) {
                Ok(bytes) if outcome.is_ok() => Ok(bytes),
                Ok(bytes) => Err(bytes),
                Err(error) => Err(encode_failure::<O, E>(error.into())),
            }
        }
        .boxed()
    }

    fn failed(&self, error: FlowError) -> Vec<u8> {
        encode_failure::<O, E>(error)
    }

    fn describe(&self, outcome: &[u8]) -> String {
        match codec::decode::<Result<O, E>>(outcome) {
            Ok(Ok(_)) => "it did not fail".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

fn error_of_input(error: &CodecError) -> FlowError {
    FlowError::Broken(format!("the flow's input cannot be read: {error}"))
}

fn encode_failure<O: Serialize, E: FlowFailure>(error: FlowError) -> Vec<u8> {
    let outcome: Result<O, E> = Err(E::from(error));
    // Where even the error has no stored form, no bytes stand for it: the reader reports that.
    codec::encode(&outcome).unwrap_or_default()
}
