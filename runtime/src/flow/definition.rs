//! The functions of flows, by name and version.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Flow;
use super::error::{FlowError, FlowFailure};
use super::flow_type::FlowType;
use super::migration::Migration;
use crate::codec;
use crate::error::AskFailure;
use crate::event::CodecError;

/// The flows of one runtime.
#[derive(Default)]
pub(crate) struct Definitions {
    flows: BTreeMap<&'static str, BTreeMap<u16, Arc<dyn Definition>>>,
    /// By the version that they start from.
    migrations: BTreeMap<&'static str, BTreeMap<u16, Migration>>,
}

impl Definitions {
    /// `false` where the version is registered already.
    pub(crate) fn add<I, O, E, F, Fut>(&mut self, flow: FlowType<I, O, E>, function: F) -> bool
    where
        I: DeserializeOwned + Send + 'static,
        O: Serialize + DeserializeOwned + Send + 'static,
        E: FlowFailure,
        F: Fn(Flow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        let typed = TypedFlow::new(flow.kept(), function);
        let versions = self.flows.entry(flow.name).or_default();
        versions.insert(flow.version, Arc::new(typed)).is_none()
    }

    /// `false` where that version is migrated already.
    pub(crate) fn add_migration(
        &mut self,
        name: &'static str,
        from: u16,
        migration: Migration,
    ) -> bool {
        let migrations = self.migrations.entry(name).or_default();
        migrations.insert(from, migration).is_none()
    }

    pub(crate) fn get(&self, name: &str, version: u16) -> Option<&Arc<dyn Definition>> {
        self.flows.get(name)?.get(&version)
    }

    pub(crate) fn migration(&self, name: &str, from: u16) -> Option<&Migration> {
        self.migrations.get(name)?.get(&from)
    }

    /// A migration to a version that is not registered, or not a later one.
    pub(crate) fn lost_migration(&self) -> Option<(&'static str, u16, u16)> {
        let of_flows = self.migrations.iter();
        let mut all = of_flows.flat_map(|(name, it)| it.iter().map(move |it| (*name, it)));
        all.find_map(|(name, (from, Migration { to, .. }))| {
            let goes = to > from && self.get(name, *to).is_some();
            (!goes).then_some((name, *from, *to))
        })
    }

    pub(crate) fn versions_of(&self, name: &str) -> Vec<u16> {
        let versions = self.flows.get(name).into_iter().flatten();
        versions.map(|(version, _)| *version).collect()
    }

    /// Why a flow of this version cannot go on here.
    pub(crate) fn missing(&self, name: &str, version: u16) -> AskFailure {
        let versions = self.versions_of(name);
        if versions.is_empty() {
            return AskFailure::invalid(format_args!(
                "this runtime has no flow `{name}`; add it with `RuntimeBuilder::flow`"
            ));
        }
        let known: Vec<_> = versions.iter().map(u16::to_string).collect();
        AskFailure::invalid(format_args!(
            "this runtime has no version {version} of flow `{name}`, only {}; register the function \
             of version {version} beside it until its instances have ended, or a migration from it",
            known.join(", ")
        ))
    }
}

/// A flow with its types put away.
pub(crate) trait Definition: Send + Sync {
    /// Runs the function from its start. `Ok` and `Err` both hold an encoded `Result<O, E>`.
    fn run(&self, flow: Flow, input: Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, Vec<u8>>>;

    /// The encoded outcome of a flow that failed for this reason.
    fn failed(&self, error: FlowError) -> Vec<u8>;

    /// Why the flow with this outcome failed, in words.
    fn describe(&self, outcome: &[u8]) -> String;

    /// The type of its result.
    fn result(&self) -> TypeId;

    /// How long it may undo.
    fn kept(&self) -> Duration;
}

type Function<I, O, E> = Box<dyn Fn(Flow, I) -> BoxFuture<'static, Result<O, E>> + Send + Sync>;

struct TypedFlow<I, O, E> {
    kept: Duration,
    function: Arc<Function<I, O, E>>,
}

impl<I, O, E> TypedFlow<I, O, E> {
    fn new<F, Fut>(kept: Duration, function: F) -> Self
    where
        F: Fn(Flow, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        Self {
            kept,
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

    fn result(&self) -> TypeId {
        TypeId::of::<Result<O, E>>()
    }

    fn kept(&self) -> Duration {
        self.kept
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
