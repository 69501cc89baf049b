//! A command that stands aside, and code that has gone on meanwhile.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mercato::{
    Agent, AskError, AskFailure, Caller, Command, CommandId, Commands, Context, Decided, Decision,
    QuarantineError, Replayed, Runtime,
};
use serde::{Deserialize, Serialize};

use crate::quarantine::drawers::{
    Added, DrawerEvent, Locked, calm_down, hush, one_shard, operator,
};
use crate::support::{file, virtual_runtime};

/// Safes, whose command is of this version, and whether their code is wrong.
struct Safes<const VERSION: u16>(Arc<AtomicBool>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Store<const VERSION: u16>(i64);

impl<const VERSION: u16> Agent for Safes<VERSION> {
    const NAME: &'static str = "safes";
    type State = i64;
    type Event = DrawerEvent;
    type Rejection = Locked;

    fn evolve(sum: &mut i64, event: &DrawerEvent) {
        let DrawerEvent::Added(added) = event;
        *sum += added.amount;
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Store<VERSION>>();
    }
}

impl<const VERSION: u16> Command for Store<VERSION> {
    type Agent = Safes<VERSION>;
    type Reply = i64;
    const NAME: &'static str = "Store";
    const VERSION: u16 = VERSION;

    fn entity(&self) -> Cow<'_, str> {
        "safe".into()
    }

    fn decide(&self, safes: &Safes<VERSION>, sum: &i64, _: &Context<'_>) -> Decided<Self> {
        assert!(!safes.0.load(Ordering::SeqCst), "the fuse blew");
        Ok(Decision::reply(sum + self.0).record(Added { amount: self.0 }))
    }
}

async fn start<const VERSION: u16>(path: &Path, is_wrong: &Arc<AtomicBool>) -> Runtime {
    hush();
    let safes = Safes::<VERSION>(is_wrong.clone());
    let builder = virtual_runtime(file(path)).agent_with(safes, one_shard());
    builder.start().await.expect("it starts")
}

/// Whether the desk can show what is in a command.
async fn shown(runtime: &Runtime, id: &str) -> bool {
    let quarantine = runtime.quarantine();
    let id = CommandId::from_key(id);
    let inspected = quarantine.inspect("safes", id).await;
    inspected.expect("it stands aside").body.is_ok()
}

/// Catches: a command of another version that is read as one of today's, because their bytes happen to fit;
/// and one of today's that is refused.
#[tokio::test(start_paused = true)]
async fn what_stands_aside_is_replayed_by_code_of_its_version_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.redb");
    let is_wrong = Arc::new(AtomicBool::new(true));
    let runtime = start::<2>(&path, &is_wrong).await;
    for id in ["first", "second"] {
        let caller = Caller::system().keyed(CommandId::from_key(id));
        let failed = runtime.handle().ask(&caller, Store::<2>(5)).await;
        let aside = AskFailure::Quarantined { attempts: 3 };
        assert_eq!(failed, Err(AskError::Failed(aside)));
        calm_down().await;
    }
    is_wrong.store(false, Ordering::SeqCst);
    let replay = async |runtime: &Runtime, id: &str| {
        let id = CommandId::from_key(id);
        let quarantine = runtime.quarantine();
        quarantine.replay(&operator(), "safes", id).await
    };
    assert!(shown(&runtime, "second").await, "it is of this version");
    assert_eq!(replay(&runtime, "first").await, Ok(Replayed::Answered));
    runtime.stop().await.expect("it stops");

    let runtime = start::<3>(&path, &is_wrong).await;
    assert!(!shown(&runtime, "second").await, "it is of another one");
    let refused = replay(&runtime, "second").await;
    assert!(
        matches!(refused, Err(QuarantineError::Unreadable { .. })),
        "{refused:?}"
    );
    runtime.stop().await.expect("it stops");
}
