//! An acknowledgement takes exactly as long as the disk does, and many share one commit.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{COMMIT, Pace, commanded, log, one_event, paced, settle};
use futures::future::join_all;
use mercato_persistence::{DiskPace, Journal, JournalOptions, Position, RedbJournal, WriterPlace};

/// How much virtual time `wait` takes.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests measure the paused clock itself"
)]
async fn time_of<T>(wait: impl Future<Output = T>) -> (Duration, T) {
    let start = tokio::time::Instant::now();
    let outcome = wait.await;
    (start.elapsed(), outcome)
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_takes_the_time_of_its_commit() {
    let journal = paced(JournalOptions::default());
    let (time, position) = time_of(settle(&journal, one_event("a", 0))).await;
    assert_eq!(time, COMMIT);
    assert_eq!(journal.durable(), position);
    let (time, durable) = time_of(journal.until_durable(position)).await;
    assert_eq!(
        (time, durable),
        (Duration::ZERO, Ok(())),
        "what is durable stays so"
    );
}

#[tokio::test(start_paused = true)]
async fn what_comes_during_a_commit_waits_for_the_next() {
    let journal = paced(JournalOptions::default());
    let first = journal.append(one_event("a", 0)).expect("a good append");
    let early = Duration::from_millis(3);
    tokio::time::sleep(early).await;
    let second = journal.append(one_event("a", 1)).expect("a good append");
    let (time, _) = time_of(journal.until_durable(first.position)).await;
    assert_eq!(time, COMMIT - early);
    assert!(journal.durable() < second.position);
    let (time, _) = time_of(journal.until_durable(second.position)).await;
    assert_eq!(time, COMMIT);
}

#[tokio::test(start_paused = true)]
async fn only_its_own_stream_sees_what_is_not_durable_yet() {
    let journal = paced(JournalOptions::default());
    settle(&journal, one_event("a", 0)).await;
    let appended = journal.append(one_event("a", 1)).expect("a good append");

    let stream = journal.read_stream("a", 0).expect("a sound journal");
    assert_eq!(stream.len(), 2);
    assert_eq!(stream[1].append, one_event("a", 1));
    assert_eq!(
        journal.read_stream("a", 1).expect("a sound journal"),
        stream[1..]
    );
    assert_eq!(log(&journal), stream[..1]);
    assert_eq!(journal.durable(), Position::new(1));

    journal
        .until_durable(appended.position)
        .await
        .expect("a good disk");
    assert_eq!(log(&journal), stream);
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_for_what_is_not_appended_yet() {
    let journal = paced(JournalOptions::default());
    let mut next = journal.until_durable(Position::new(1));
    assert!(futures::poll!(&mut next).is_pending());
    let appended = journal.append(one_event("a", 0)).expect("a good append");
    assert!(futures::poll!(&mut next).is_pending());
    next.await.expect("the journal is there");
    assert_eq!(journal.durable(), appended.position);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_writers_share_two_commits() {
    let pace = Pace::default();
    let journal = RedbJournal::in_memory(JournalOptions::default(), pace.writer());
    let journal = Arc::new(journal.expect("a journal in memory"));
    let writers = (0..1_000).map(|n| {
        let journal = journal.clone();
        let stream = format!("s{n}");
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            settle(&journal, commanded(&stream, 0, n)).await
        })
    });
    let (time, written) = time_of(join_all(writers)).await;
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(log(&journal).len(), 1_000);
    // The first to come may go alone; whoever comes while it is being written goes with the next.
    assert!(pace.commits() <= 2, "{} commits", pace.commits());
    assert!(time <= 2 * COMMIT, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_takes_no_more_than_its_bounds() {
    let pace = Pace::default();
    let bounds = JournalOptions {
        group_bytes_max: 1,
        ..JournalOptions::default()
    };
    let journal = RedbJournal::in_memory(bounds, pace.writer()).expect("a journal in memory");
    for version in 0..95 {
        journal
            .append(one_event("a", version))
            .expect("a good append");
    }
    let (time, _) = time_of(journal.until_durable(Position::new(95))).await;
    // One record at least, and here no more than that.
    assert_eq!((pace.commits(), time), (95, 95 * COMMIT));
}

/// A disk that writes a megabyte a second.
struct Slow;

impl DiskPace for Slow {
    fn commit_time(&mut self, bytes: usize) -> Duration {
        Duration::from_micros(bytes as u64)
    }
}

/// Catches: a bound in time that nobody keeps, so that whoever comes to a slow disk while much waits has to
/// wait for all of it.
#[tokio::test(start_paused = true)]
async fn commits_to_a_slow_disk_grow_smaller() {
    let options = JournalOptions {
        commit_time_max: Duration::from_millis(200),
        ..JournalOptions::default()
    };
    let writer = WriterPlace::Task(Box::new(Slow));
    let journal = RedbJournal::in_memory(options, writer).expect("a journal");
    let mut last = Position::START;
    for version in 0..120 {
        let mut append = one_event("a", version);
        append.events[0].payload = vec![7; 100_000];
        last = journal.append(append).expect("a good append").position;
    }
    journal.until_durable(last).await.expect("a good disk");
    // Twelve megabytes are three commits where only the bytes are bounded.
    let commits = journal.meters().commit_time.count();
    assert!(commits >= 10, "{commits}");
}
