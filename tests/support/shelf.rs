//! An agent that is undone as it should be: shelves that hold something for somebody, and let go of
//! what they never held. And a port that does things, and undoes them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mercato::{
    Activity, ActivityCall, ActivityError, Agent, Caller, Command, Commands, Context, Decided,
    Decision, Flow, FlowError, Handle, Kind, RuntimeBuilder,
};
use serde::{Deserialize, Serialize};

/// Shelves. While they are jammed they let go of nothing.
#[derive(Debug, Clone, Default)]
pub struct Shelves {
    pub jammed: Arc<AtomicBool>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shelf {
    pub holders: BTreeSet<String>,
    /// How often something was put there.
    pub holds: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub holder: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetGo {
    pub holder: String,
}

mercato::events! {
    pub enum ShelfEvent { Held: 1, LetGo: 1 }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ShelfRefusal {
    #[error("the shelf is full")]
    Full,
    #[error("the shelf is jammed")]
    Jammed,
}

impl Agent for Shelves {
    const NAME: &'static str = "shelves";
    type State = Shelf;
    type Event = ShelfEvent;
    type Rejection = ShelfRefusal;

    fn evolve(shelf: &mut Shelf, event: &ShelfEvent) {
        match event {
            ShelfEvent::Held(held) => {
                shelf.holders.insert(held.holder.clone());
                shelf.holds += 1;
            }
            ShelfEvent::LetGo(let_go) => {
                shelf.holders.remove(&let_go.holder);
            }
        }
    }

    fn commands(commands: &mut Commands<Self>) {
        commands.add::<Hold>().add::<LetGoOf>();
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    pub shelf: String,
    pub holder: String,
}

/// A shelf whose name begins with `full` takes nothing.
impl Command for Hold {
    type Agent = Shelves;
    type Reply = u64;
    const NAME: &'static str = "Hold";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.shelf).into()
    }

    fn decide(&self, _: &Shelves, shelf: &Shelf, _: &Context<'_>) -> Decided<Self> {
        if self.shelf.starts_with("full") {
            return Err(ShelfRefusal::Full);
        }
        let holder = self.holder.clone();
        Ok(Decision::reply(shelf.holds + 1).record(Held { holder }))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LetGoOf {
    pub shelf: String,
    pub holder: String,
}

impl Command for LetGoOf {
    type Agent = Shelves;
    type Reply = ();
    const NAME: &'static str = "LetGoOf";

    fn entity(&self) -> Cow<'_, str> {
        (&*self.shelf).into()
    }

    fn decide(&self, agent: &Shelves, shelf: &Shelf, _: &Context<'_>) -> Decided<Self> {
        if agent.jammed.load(Ordering::SeqCst) {
            return Err(ShelfRefusal::Jammed);
        }
        let holder = self.holder.clone();
        match shelf.holders.contains(&holder) {
            true => Ok(Decision::reply(()).record(LetGo { holder })),
            false => Ok(Decision::reply(())),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Look {
    pub shelf: String,
}

impl Command for Look {
    type Agent = Shelves;
    /// Who holds it, and how often something was put there.
    type Reply = (Vec<String>, u64);
    const NAME: &'static str = "Look";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        (&*self.shelf).into()
    }

    fn decide(&self, _: &Shelves, shelf: &Shelf, _: &Context<'_>) -> Decided<Self> {
        let holders = shelf.holders.iter().cloned().collect();
        Ok(Decision::reply((holders, shelf.holds)))
    }
}

pub fn hold(shelf: &str) -> Hold {
    Hold {
        shelf: shelf.into(),
        holder: "flow".into(),
    }
}

pub fn let_go(shelf: &str) -> LetGoOf {
    LetGoOf {
        shelf: shelf.into(),
        holder: "flow".into(),
    }
}

/// Puts the undo down and holds, as one does.
pub async fn hold_with_undo(flow: &Flow, shelf: &str) -> Result<u64, FlowError> {
    let step = format!("hold {shelf}");
    flow.undo_command(&step, let_go(shelf)).await?;
    Ok(flow.ask(&step, hold(shelf)).await?)
}

/// Which of these shelves are held, and that none was taken twice.
pub async fn held(handle: &Handle, shelves: &[&str]) -> Vec<String> {
    let mut held = Vec::new();
    for shelf in shelves {
        let look = Look {
            shelf: (*shelf).into(),
        };
        let caller = Caller::system().within(Duration::from_secs(60));
        let (holders, holds) = handle.ask(&caller, look).await.expect("an answer");
        assert!(holds <= 1, "`{shelf}` was taken {holds} times");
        if !holders.is_empty() {
            held.push((*shelf).to_owned());
        }
    }
    held
}

pub const BOOK: Activity<String, String> = Activity::new("carrier.book").repeatable();
pub const UNBOOK: Activity<String, ()> = Activity::new("carrier.unbook").repeatable();

/// The outside: what a carrier has done, in order. It outlives every process.
#[derive(Clone, Default)]
pub struct Carrier {
    books: Arc<Mutex<Books>>,
}

#[derive(Default)]
struct Books {
    /// How long it takes to book, by what is booked.
    millis: BTreeMap<String, u64>,
    booked: BTreeSet<String>,
    seen: BTreeSet<String>,
    log: Vec<String>,
    fails: BTreeSet<String>,
    away: BTreeSet<String>,
}

impl Carrier {
    pub fn takes(&self, what: &str, millis: u64) {
        let mut books = self.books.lock().expect("no panic under it");
        books.millis.insert(what.into(), millis);
    }

    pub fn fails(&self, what: &str, fails: bool) {
        let mut books = self.books.lock().expect("no panic under it");
        match fails {
            true => books.fails.insert(what.into()),
            false => books.fails.remove(what),
        };
    }

    pub fn log(&self) -> Vec<String> {
        self.books.lock().expect("no panic under it").log.clone()
    }

    pub fn booked(&self) -> Vec<String> {
        let books = self.books.lock().expect("no panic under it");
        books.booked.iter().cloned().collect()
    }

    /// It cannot be reached for undoing this.
    pub fn is_away_for_undo(&self, what: &str, is_away: bool) {
        let mut books = self.books.lock().expect("no panic under it");
        let undo = format!("undo {what}");
        match is_away {
            true => books.away.insert(undo),
            false => books.away.remove(&undo),
        };
    }

    fn check(&self, what: &str) -> Result<(), ActivityError> {
        let books = self.books.lock().expect("no panic under it");
        if books.away.contains(what) {
            return Err(ActivityError::new(
                mercato::ActivityErrorKind::Transient,
                "away",
                "the carrier cannot be reached",
            ));
        }
        match books.fails.contains(what) {
            true => Err(ActivityError::new(
                mercato::ActivityErrorKind::Permanent,
                "no",
                "the carrier does not want to",
            )),
            false => Ok(()),
        }
    }

    async fn book(self, call: ActivityCall, what: String) -> Result<String, ActivityError> {
        let millis = {
            let books = self.books.lock().expect("no panic under it");
            books.millis.get(&what).copied().unwrap_or(5)
        };
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.check(&what)?;
        let mut books = self.books.lock().expect("no panic under it");
        if books.seen.insert(call.key) {
            books.log.push(format!("book {what}"));
            books.booked.insert(what.clone());
        }
        Ok(what)
    }

    async fn unbook(self, call: ActivityCall, what: String) -> Result<(), ActivityError> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        self.check(&format!("undo {what}"))?;
        let mut books = self.books.lock().expect("no panic under it");
        if books.seen.insert(call.key) {
            books.log.push(format!("unbook {what}"));
            books.booked.remove(&what);
        }
        Ok(())
    }

    pub fn serve(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let (book, unbook) = (self.clone(), self.clone());
        builder
            .activity(BOOK, move |call, what| book.clone().book(call, what))
            .activity(UNBOOK, move |call, what| unbook.clone().unbook(call, what))
    }
}

/// Books with the undo put down before.
pub async fn book_with_undo(flow: &Flow, what: &str) -> Result<String, FlowError> {
    let step = format!("book {what}");
    flow.undo_activity(&step, UNBOOK, what.to_owned()).await?;
    Ok(flow.perform(&step, BOOK, what.to_owned()).await?)
}
