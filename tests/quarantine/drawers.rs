//! Drawers with money in them, and people who make them panic.
#![allow(missing_docs, reason = "scaffolding of tests")]

use std::borrow::Cow;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mercato::persistence::{Append, EventData, Journal, Position};
use mercato::{
    Agent, AgentOptions, AskError, AskFailure, Caller, Command, CommandId, Commands, Context,
    Decided, Decision, Kind, Personal, Principal, Quarantine, QuarantineQuery, Runtime, SetAside,
    SetAsideWhat,
};
use serde::{Deserialize, Serialize};

use crate::support::virtual_runtime;

thread_local! {
    /// Which amount today's code cannot apply. A test runs on one thread.
    pub static UNLUCKY: Cell<i64> = const { Cell::new(0) };
    /// Which amount today's rule panics over.
    pub static AVERSE: Cell<i64> = const { Cell::new(0) };
}

/// Drawers with money in them. The fuse makes the next so many `Put`s panic while they are decided.
#[derive(Debug, Clone, Default)]
pub struct Drawers {
    pub fuse: Arc<AtomicU32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Added {
    pub amount: i64,
}

mercato::events! { pub enum DrawerEvent { Added: 1 } }

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("the drawer is locked")]
pub struct Locked;

impl Agent for Drawers {
    const NAME: &'static str = "drawers";
    type State = i64;
    type Event = DrawerEvent;
    type Rejection = Locked;

    fn evolve(sum: &mut i64, event: &DrawerEvent) {
        let DrawerEvent::Added(added) = event;
        assert_ne!(added.amount, UNLUCKY.get(), "an unlucky amount");
        *sum += added.amount;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Put>();
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Put {
    pub drawer: String,
    pub amount: i64,
    pub for_whom: Option<Personal<String>>,
}

pub fn put(drawer: &str, amount: i64) -> Put {
    Put {
        drawer: drawer.into(),
        amount,
        for_whom: None,
    }
}

impl Command for Put {
    type Agent = Drawers;
    type Reply = i64;
    const NAME: &'static str = "Put";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.drawer).into()
    }

    fn decide(&self, agent: &Drawers, sum: &i64, context: &Context<'_>) -> Decided<Self> {
        let burn = |left: u32| left.checked_sub(1);
        let burnt = agent
            .fuse
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, burn);
        assert!(burnt.is_err(), "the fuse blew");
        if self.drawer == "locked" || context.principal == &Principal::user("thief") {
            return Err(Locked);
        }
        Ok(Decision::reply(sum + self.amount).record(Added {
            amount: self.amount,
        }))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Look(pub String);

impl Command for Look {
    type Agent = Drawers;
    type Reply = i64;
    const NAME: &'static str = "Look";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        (&*self.0).into()
    }

    fn decide(&self, _: &Drawers, sum: &i64, _: &Context<'_>) -> Decided<Self> {
        Ok(Decision::reply(*sum))
    }
}

/// One shard, so that whatever stops it stops everybody.
pub fn one_shard() -> AgentOptions {
    AgentOptions {
        shards: NonZeroUsize::MIN,
        ..AgentOptions::default()
    }
}

/// Says nothing of the panics that are meant.
pub fn hush() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let meant = ["the fuse blew", "an unlucky amount", "not that amount"];
        let text = panic.payload_as_str().unwrap_or_default();
        if !meant.iter().any(|meant| text.contains(meant)) {
            report(panic);
        }
    }));
}

pub async fn start_over(journal: Arc<dyn Journal>, drawers: &Drawers) -> Runtime {
    hush();
    let builder = virtual_runtime(journal).agent_with(drawers.clone(), one_shard());
    builder.start().await.expect("it starts")
}

pub async fn ask_as(runtime: &Runtime, id: &str, put: Put) -> Result<i64, AskError<Locked>> {
    let caller = Caller::new(Principal::user("7")).keyed(CommandId::from_key(id));
    runtime.handle().ask(&caller, put).await
}

pub async fn look(runtime: &Runtime, drawer: &str) -> Result<i64, AskError<Locked>> {
    runtime
        .handle()
        .ask(&Caller::system(), Look(drawer.into()))
        .await
}

/// Has a command make its agent panic until it stands aside.
pub async fn poison(runtime: &Runtime, drawers: &Drawers, id: &str, put: Put) {
    drawers.fuse.store(3, Ordering::SeqCst);
    let failed = ask_as(runtime, id, put).await;
    let quarantined = AskFailure::Quarantined { attempts: 3 };
    assert_eq!(failed, Err(AskError::Failed(quarantined)));
    calm_down().await;
}

/// Lets the restarts be forgotten that make the next ones wait.
pub async fn calm_down() {
    tokio::time::sleep(Duration::from_secs(20)).await;
}

pub fn all(quarantine: &Quarantine) -> Vec<SetAside> {
    let page = quarantine.list(&QuarantineQuery::default());
    page.expect("it reads").items
}

pub fn operator() -> Principal {
    Principal::Operator("ann".into())
}

pub fn command_of(item: &SetAside) -> (CommandId, u32, u32) {
    match &item.what {
        SetAsideWhat::Command {
            id,
            attempts,
            times,
            ..
        } => (*id, *attempts, *times),
        other => panic!("{other:?}"),
    }
}

/// Records what no version of the code would.
pub fn append_raw(journal: &dyn Journal, stream: &str, version: u16, payload: Vec<u8>) -> Position {
    let before = journal.version(stream).expect("it reads");
    let appended = journal.append(Append {
        events: vec![EventData {
            name: "Added".into(),
            version,
            payload,
        }],
        ..Append::to(stream, before, 0)
    });
    appended.expect("taken").position
}
