//! What an entity takes: in memory and idle, and after it has left.
//!
//! Each is weighed in a process of its own that does nothing else, as what is resident grows while
//! every entity is asked once. All of them pass through the same journal, so what it keeps (heads of
//! streams, pages of its file) is what an entity leaves behind that is in memory no more; what one
//! takes beside its state is the difference to that and to the bare state.

use std::ffi::OsString;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use futures::future::try_join_all;
use mercato_runtime::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato_runtime::{AgentOptions, Caller, RecoveryOptions, Runtime};

use crate::account::{Account, Accounts, Look, Post, keys};
use crate::clock::two_workers;
use crate::error::{AnyError, BenchError};
use crate::launch::Launch;
use crate::machine::resident_bytes;
use crate::report::Grid;

/// What an idle entity in memory may take beside its state.
const TARGET_BYTES: f64 = 1_024.0;
/// The journal's name in the folder.
const FILE: &str = "entities.journal";
/// How many are asked at a time.
const ASKED_AT_ONCE: usize = 64;
/// The store's cache, so small that what it holds of the file weighs next to nothing.
const CACHE_BYTES: usize = 1 << 20;
/// How many events each entity has.
const EVENTS: u64 = 4;

/// The weighing of entities, as it is typed.
#[derive(Debug, Clone, clap::Args)]
pub struct EntitiesArgs {
    /// How many entities are weighed: 1000 to 1000000.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    pub entities: u32,
    /// A look at whether it runs: a thousand entities. Its figures mean nothing.
    #[arg(long)]
    pub quick: bool,
    /// Set where the measurement starts this program again.
    #[arg(long, hide = true, value_enum, requires = "folder")]
    pub weigh: Option<Weighed>,
    /// Where it then finds the journal.
    #[arg(long, hide = true)]
    pub folder: Option<PathBuf>,
}

/// What is weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Weighed {
    /// The states alone, each in a box.
    Bare,
    /// Entities that were asked and had to leave again.
    Passivated,
    /// Entities that were asked and stay.
    Active,
}

impl Weighed {
    const ALL: [Self; 3] = [Self::Bare, Self::Passivated, Self::Active];

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Bare => ("bare", "bare state, boxed"),
            Self::Passivated => ("passivated", "entity that left memory"),
            Self::Active => ("active", "idle entity in memory"),
        }
    }
}

/// Weighs entities and gives the table.
///
/// # Errors
/// See [`BenchError`].
pub fn entities(args: &EntitiesArgs, launch: &Launch) -> Result<String, BenchError> {
    let many = if args.quick { 1_000 } else { args.entities };
    let measured = match (args.weigh, &args.folder) {
        (Some(weighed), Some(folder)) => weigh(weighed, many, folder),
        _ => measure(many, launch),
    };
    measured.map_err(|source| BenchError::Failed {
        part: "entities",
        source,
    })
}

fn measure(many: u32, launch: &Launch) -> Result<String, AnyError> {
    let folder = tempfile::tempdir()?;
    two_workers()?.block_on(fill(many, folder.path()))?;
    let mut bytes = [0.0; 3];
    for (weighed, bytes) in Weighed::ALL.into_iter().zip(&mut bytes) {
        let words: [OsString; 6] = [
            "--weigh".into(),
            weighed.words().0.into(),
            "--entities".into(),
            many.to_string().into(),
            "--folder".into(),
            folder.path().as_os_str().to_owned(),
        ];
        let mut process = launch.start_to_weigh(words)?;
        let mut said = String::new();
        process.output()?.read_to_string(&mut said)?;
        process.finish()?;
        *bytes = said.trim().parse()?;
    }
    let [bare, passivated, active] = bytes;
    let beside = active - passivated - bare;
    let row = |name: &str, bytes: f64, ratio: f64| {
        vec![
            name.to_owned(),
            format!("{bytes:.0}"),
            format!("{ratio:.2}"),
        ]
    };
    let grid = Grid {
        title: format!("Entities, {many} of each, {EVENTS} events in each"),
        header: vec!["", "bytes", "ratio"],
        rows: vec![
            row("bare state, boxed", bare, 1.0),
            row(
                "idle entity in memory, to a bare state",
                active,
                active / bare,
            ),
            row(
                "what it takes beside its state, to the target of 1 KiB",
                beside,
                beside / TARGET_BYTES,
            ),
            row(
                "entity that left memory, to one in it",
                passivated,
                passivated / active,
            ),
        ],
    };
    Ok(format!("\n{grid}"))
}

fn open(folder: &Path) -> Result<RedbJournal, AnyError> {
    let options = JournalOptions {
        cache_bytes: CACHE_BYTES,
        ..JournalOptions::default()
    };
    let path = folder.join(FILE);
    Ok(RedbJournal::open(path, options, WriterPlace::Thread)?)
}

/// Starts a runtime that keeps so many entities of each of its shards in memory, and no idle ones
/// apart from that.
async fn start(folder: &Path, active_max: usize) -> Result<Runtime, AnyError> {
    let options = AgentOptions {
        active_entities_max: NonZeroUsize::new(active_max).unwrap_or(NonZeroUsize::MIN),
        active_bytes_max: NonZeroUsize::MAX,
        passivate_after: None,
        ..AgentOptions::default()
    };
    let runtime = Runtime::builder(Arc::new(open(folder)?))
        .agent_with(Accounts, options)
        .recovery(RecoveryOptions {
            preload_max: 0,
            ..RecoveryOptions::default()
        });
    Ok(runtime.start().await?)
}

async fn fill(many: u32, folder: &Path) -> Result<(), AnyError> {
    let runtime = start(folder, usize::MAX).await?;
    let (handle, caller) = (runtime.handle(), Caller::system());
    for few in keys(many).chunks(ASKED_AT_ONCE) {
        for amount in 0..EVENTS {
            let asked = few.iter().map(|account| {
                let post = Post {
                    account: account.clone(),
                    amount,
                    memo: Vec::new(),
                };
                handle.ask(&caller, post)
            });
            try_join_all(asked).await?;
        }
    }
    Ok(runtime.stop().await?)
}

/// Weighs in this process, which does nothing else, and gives the bytes of one.
fn weigh(weighed: Weighed, many: u32, folder: &Path) -> Result<String, AnyError> {
    let bytes = match weighed {
        Weighed::Bare => bare(many)?,
        Weighed::Passivated => two_workers()?.block_on(asked(many, folder, 1))?,
        Weighed::Active => two_workers()?.block_on(asked(many, folder, usize::MAX))?,
    };
    let weighed = many - many / 2;
    Ok(format!("{}\n", bytes as f64 / f64::from(weighed)))
}

/// Whatever is taken once is taken by the first half, and so is what the allocator had left over from the
/// start: only the second half is weighed.
fn halves<T>(all: &[T]) -> (&[T], &[T]) {
    all.split_at(all.len() / 2)
}

fn resident() -> Result<u64, AnyError> {
    resident_bytes().ok_or_else(|| "the system does not tell what is resident".into())
}

fn bare(many: u32) -> Result<u64, AnyError> {
    let keys = keys(many);
    let mut states = Vec::with_capacity(keys.len());
    let (first, second) = halves(&keys);
    states.extend(first.iter().map(|_| Box::new(Account::after(EVENTS))));
    let before = resident()?;
    states.extend(second.iter().map(|_| Box::new(Account::after(EVENTS))));
    let after = resident()?;
    // They are kept until they are weighed.
    std::hint::black_box(&states);
    Ok(after.saturating_sub(before))
}

async fn asked(many: u32, folder: &Path, active_max: usize) -> Result<u64, AnyError> {
    let runtime = start(folder, active_max).await?;
    let (handle, caller) = (runtime.handle(), Caller::system());
    let keys = keys(many);
    let ask = |account: &str| {
        let account = account.into();
        handle.ask(&caller, Look { account })
    };
    let (first, second) = halves(&keys);
    for few in first.chunks(ASKED_AT_ONCE) {
        try_join_all(few.iter().map(|key| ask(key))).await?;
    }
    let before = resident()?;
    for few in second.chunks(ASKED_AT_ONCE) {
        try_join_all(few.iter().map(|key| ask(key))).await?;
    }
    let after = resident()?;
    runtime.stop().await?;
    Ok(after.saturating_sub(before))
}
