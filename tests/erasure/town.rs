//! A shop over files, in virtual time, and a look at what its files hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mercato::actors::*;
use mercato::persistence::{
    DiskPace, Journal, JournalOptions, Position, Recorded, RedbJournal, WriterPlace,
};
use mercato::{AgentOptions, Clock, Entropy, Runtime, Timestamp};

use crate::erasure::customers::{ADA, BOB, Customer};

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
/// Noon, so that no message waits for the morning.
const NOON_MS: u64 = 1_600_000_000_000 - 1_600_000_000_000 % 86_400_000 + 43_200_000;

struct EvenDisk;

impl DiskPace for EvenDisk {
    fn commit_time(&mut self, _: usize) -> Duration {
        Duration::from_millis(2)
    }
}

pub(crate) struct Town {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) mail: Arc<InProcessMail>,
}

pub(crate) fn sku() -> Sku {
    Sku::new("tea").expect("a sku")
}

impl Town {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("shop.redb")
    }

    pub(crate) async fn open(&self, hour: u32) -> (Arc<RedbJournal>, Runtime) {
        let writer = WriterPlace::Task(Box::new(EvenDisk));
        let journal = RedbJournal::open(self.path(), JournalOptions::default(), writer);
        let journal = Arc::new(journal.expect("a journal"));
        let catalogue = Catalogue::new([Product {
            sku: sku(),
            name: "tea".into(),
            description: "to drink".into(),
            category: "drinks".into(),
            base_price: Money::new(1_000, Currency::GBP),
            cost: Money::new(400, Currency::GBP),
        }]);
        let ports = Ports {
            payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
            carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
            mail: self.mail.clone(),
            messengers: Messengers::in_process(),
            procurement: Arc::new(InProcessProcurement::new(
                SupplierHabits::default(),
                LedgerOptions::default(),
            )),
            competitors: Arc::new(InProcessCompetitors::new()),
        };
        let mut shop = Shop::new(Arc::new(catalogue.expect("a catalogue")));
        shop.agents = ShopAgents::all(AgentOptions {
            // So often that every kind of entity has snapshots.
            snapshot_every_events: std::num::NonZeroU64::new(2),
            ..AgentOptions::default()
        });
        let noon = Timestamp::from_millis(NOON_MS);
        let builder = Runtime::builder(journal.clone())
            .clock(Clock::starting_at(noon.plus(HOUR * hour)))
            .entropy(Entropy::seeded(7));
        let runtime = shop.open(builder, &ports).start().await;
        (journal, runtime.expect("it starts"))
    }

    /// The bytes of every file, by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let file = |path: &Path| {
            (
                path.display().to_string(),
                std::fs::read(path).expect("a file"),
            )
        };
        entries
            .map(|entry| file(&entry.expect("an entry").path()))
            .collect()
    }

    /// Looks for plain text in every file, and in every record and snapshot, whatever layout the
    /// files have.
    pub(crate) fn holds_no_plain_text(&self, journal: &RedbJournal) {
        let mut places = self.files();
        assert_eq!(
            places.len(),
            2,
            "the journal and the keys: {:?}",
            places.keys()
        );
        for recorded in log(journal) {
            let stream = &recorded.append.stream;
            let place = places.entry(stream.to_string()).or_default();
            for event in &recorded.append.events {
                place.extend_from_slice(&event.payload);
            }
            if let Some(first) = &recorded.append.command {
                place.extend_from_slice(&first.reply);
            }
            if let Some(snapshot) = journal.snapshot(stream).expect("a sound journal") {
                place.extend_from_slice(&snapshot.state);
            }
        }
        for text in [ADA, BOB].iter().flat_map(Customer::plain_texts) {
            for (place, bytes) in &places {
                assert!(!holds(bytes, text.as_bytes()), "{place} holds {text}");
            }
        }
        // What is not personal can be found in just this way.
        assert!(places.values().any(|bytes| holds(bytes, b"c-1")));
        let snapshots = [
            "order/a-1",
            "marketing/customer/c-1",
            "support/conversation/chat-c-1",
        ]
        .map(|stream| journal.snapshot(stream).expect("a sound journal").is_some());
        assert_eq!(snapshots, [true; 3], "every kind of entity has a snapshot");
    }
}

pub(crate) fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

pub(crate) fn log(journal: &RedbJournal) -> Vec<Arc<Recorded>> {
    journal
        .read(Position::START, usize::MAX)
        .expect("a sound journal")
}
