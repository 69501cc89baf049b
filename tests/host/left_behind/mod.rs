//! A journal with flows in it that no shop is at.

use std::path::{Path, PathBuf};

use futures::executor::block_on;
use mercato_actors::runtime::persistence::{
    Append, EventData, Journal, JournalOptions, Mark, RedbJournal, TimerChange, WriterPlace,
};
use mercato_actors::runtime::{FlowError, Principal, codec};
use mercato_actors::{FulfilError, Fulfilled};
use tempfile::TempDir;

/// Whoever started the flows of the test: nobody else's business.
pub const ACCOUNT: &str = "account-of-ada";
/// 2026-01-02T03:04:05Z.
pub const BEGAN_MS: u64 = 1_767_323_045_000;
pub const WAKES_MS: u64 = BEGAN_MS + 86_400_000;

/// What the runtime records of a flow. A tuple is stored as a struct is.
pub struct Recorder {
    journal: RedbJournal,
}

impl Recorder {
    pub fn at(file: &Path) -> Self {
        let journal = RedbJournal::open(file, JournalOptions::default(), WriterPlace::Thread);
        Self {
            journal: journal.expect("a journal"),
        }
    }

    pub fn record(&self, stream: &str, mark: Option<Mark>, events: Vec<(&'static str, Vec<u8>)>) {
        let before = self.journal.version(stream).expect("it reads");
        let events = events.into_iter().map(|(name, payload)| EventData {
            name: name.into(),
            version: 1,
            payload,
        });
        let append = Append {
            events: events.collect(),
            mark,
            ..Append::to(stream, before, BEGAN_MS)
        };
        self.journal.append(append).expect("taken");
    }

    pub fn start(&self, flow: &str, version: u16, by: Principal) {
        let input: Vec<u8> = codec::encode("what ada wrote").expect("bytes");
        let started = (version, input, 7u128, by, None::<u64>, true);
        let started = codec::encode(&started).expect("bytes");
        let open = Some(Mark::Open);
        self.record(
            &format!("flow/{flow}"),
            open,
            vec![("FlowStarted", started)],
        );
    }

    /// An undo by a command: the first kind that there is.
    pub fn undo(&self, flow: &str, step: &str) {
        let undo = (
            0u32,
            "inventory",
            "ReleaseReservation",
            1u16,
            Vec::<u8>::new(),
        );
        let undo = codec::encode(&(step, undo)).expect("bytes");
        self.record(
            &format!("flow/{flow}"),
            None,
            vec![("UndoRegistered", undo)],
        );
    }

    /// A flow that sleeps for a day.
    pub fn sleeper(&self) {
        let stream = "flow/deliver-message/sleeper";
        self.start("deliver-message/sleeper", 2, Principal::System);
        let version = self.journal.version(stream).expect("it reads");
        let wake = TimerChange::Set {
            name: "wake".into(),
            due_at_ms: WAKES_MS,
            payload: Vec::new(),
        };
        let append = Append {
            timers: vec![wake],
            ..Append::to(stream, version, BEGAN_MS)
        };
        self.journal.append(append).expect("taken");
    }

    pub fn close(self) {
        block_on(self.journal.close()).expect("closed");
    }

    pub fn fail(&self, flow: &str, given_up: Option<&str>) {
        let why = FulfilError::from(FlowError::Refused("the carrier is on strike".into()));
        let outcome = codec::encode(&Err::<Fulfilled, _>(why)).expect("bytes");
        let failing = codec::encode(&(&outcome,)).expect("bytes");
        let stream = format!("flow/{flow}");
        self.record(&stream, None, vec![("FlowFailing", failing)]);
        if let Some(step) = given_up {
            let given_up = codec::encode(&(step, "no such \u{1b}shelf")).expect("bytes");
            self.record(&stream, None, vec![("UndoGivenUp", given_up)]);
        }
        let ended = codec::encode(&(outcome, true)).expect("bytes");
        self.record(&stream, Some(Mark::Open), vec![("FlowEnded", ended)]);
    }
}

/// A journal that a shop left behind: one flow is on its way with an undo kept, one sleeps, one waits
/// for a flow that it began, two failed, and one is of no flow that the shop has.
pub fn left_behind() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.redb");
    let recorder = Recorder::at(&file);
    let user = || Principal::user(ACCOUNT);
    recorder.start("fulfil/going", 3, user());
    recorder.undo("fulfil/going", "reserve mug");
    recorder.sleeper();
    recorder.start("return/parent", 2, Principal::Service("desk".into()));
    recorder.start("release/child", 3, Principal::System);
    let adopted = codec::encode(&("return", "parent", 1u16)).expect("bytes");
    recorder.record("flow/release/child", None, vec![("FlowAdopted", adopted)]);
    recorder.start("fulfil/failed", 3, user());
    recorder.fail("fulfil/failed", None);
    recorder.start("fulfil/torn", 3, user());
    recorder.undo("fulfil/torn", "reserve pot");
    recorder.fail("fulfil/torn", Some("reserve pot"));
    recorder.start("of-old/lost", 1, Principal::System);
    recorder.close();
    (folder, file)
}
