//! An append takes the next place in the order, or it is refused for a stated reason and leaves
//! no trace.

use crate::common::{commanded, first_reply, one_event, paced, reply_to, version};
use mercato_persistence::{Append, AppendError, Journal, JournalOptions, Position, RedbJournal};
use uuid::Uuid;

/// Room for two appends of half a KiB before writers are asked to wait, for four at most.
fn narrow() -> JournalOptions {
    JournalOptions {
        record_bytes_max: 1_024,
        queue_bytes_max: 1_024,
        ..JournalOptions::default()
    }
}

fn padded(stream: &str, version: u64, bytes: usize) -> Append {
    let mut append = one_event(stream, version);
    append.events[0].payload = vec![7; bytes];
    append
}

/// Sees `append` refused, and no trace of it in its stream or among the commands.
fn check_refused(journal: &RedbJournal, append: Append) -> AppendError {
    let (stream, command) = (append.stream.clone(), append.command.clone());
    let before_version = version(journal, &stream);
    let known = command.map(|reply| (reply.command, first_reply(journal, reply.command)));
    let refusal = journal.append(append).expect_err("it must be refused");
    assert_eq!(version(journal, &stream), before_version);
    if let Some((command, before)) = known {
        assert_eq!(first_reply(journal, command), before);
    }
    refusal
}

/// Sees the next good append take the place that a refused one did not get.
fn check_next_stands_at(journal: &RedbJournal, place: u64) {
    let next = journal.append(one_event("next", 0)).expect("a good append");
    assert_eq!(next.position, Position::new(place));
}

#[tokio::test(start_paused = true)]
async fn places_and_versions_follow_the_order_of_arrival() {
    let journal = paced(JournalOptions::default());
    let mut given = Vec::new();
    for append in [one_event("a", 0), one_event("b", 0), one_event("a", 1)] {
        let appended = journal.append(append).expect("a good append");
        given.push((appended.position.get(), appended.version));
    }
    assert_eq!(given, [(1, 1), (2, 1), (3, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_alone_takes_a_place_but_no_version() {
    let journal = paced(JournalOptions::default());
    let mut append = commanded("a", 0, 1);
    append.events.clear();
    let appended = journal.append(append).expect("a good append");
    assert_eq!((appended.position, appended.version), (Position::new(1), 0));
    assert_eq!(first_reply(&journal, Uuid::from_u128(1)), Some(reply_to(1)));
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_behind_is_refused() {
    let journal = paced(JournalOptions::default());
    journal.append(one_event("a", 0)).expect("a good append");
    for stale in [0, 2] {
        let refusal = check_refused(&journal, commanded("a", stale, 9));
        let wrong = AppendError::WrongVersion {
            stream: "a".into(),
            expected: stale,
            actual: 1,
        };
        assert_eq!(refusal, wrong);
    }
    check_next_stands_at(&journal, 2);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_recorded_once() {
    let journal = paced(JournalOptions::default());
    journal.append(commanded("a", 0, 1)).expect("a good append");
    let mut again = commanded("b", 0, 1);
    if let Some(reply) = &mut again.command {
        reply.reply = b"another".to_vec();
    }
    let command = Uuid::from_u128(1);
    assert_eq!(
        check_refused(&journal, again),
        AppendError::Repeated { command }
    );
    assert_eq!(first_reply(&journal, command), Some(reply_to(1)));
    check_next_stands_at(&journal, 2);
}

#[tokio::test(start_paused = true)]
async fn an_append_above_the_limit_is_refused() {
    let journal = paced(narrow());
    let refusal = check_refused(&journal, padded("a", 0, 1_025));
    assert!(
        matches!(refusal, AppendError::TooLarge { bytes, limit: 1_024 } if bytes > 1_025),
        "{refusal:?}"
    );
    check_next_stands_at(&journal, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_until_the_disk_has_caught_up() {
    let journal = paced(narrow());
    let mut taken = 0;
    while journal.has_room() {
        journal
            .append(padded("a", taken, 500))
            .expect("it has room");
        taken += 1;
    }
    assert_eq!(taken, 2, "writers are asked to wait from here on");
    while journal.append(padded("a", taken, 500)).is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 3, "twice the bound is where it ends");
    let refusal = check_refused(&journal, padded("a", taken, 500));
    assert!(
        matches!(refusal, AppendError::Full { bytes } if bytes > 1_500),
        "{refusal:?}"
    );

    journal.room().await;
    assert!(journal.has_room());
    let next = journal
        .append(padded("a", taken, 500))
        .expect("it has room");
    assert_eq!(next.position, Position::new(taken + 1));
}

/// Catches: parts of a stream that overlap or leave a gap, that are larger than asked for, or that
/// go beyond what is known already; of what is stored and of what still waits.
#[tokio::test(start_paused = true)]
async fn a_stream_is_read_in_parts_from_its_end() {
    let journal = paced(JournalOptions::default());
    let mut version = 0;
    for n in 0..40 {
        let mut append = one_event("a", version);
        append.events = vec![append.events[0].clone(); n % 4];
        version = journal.append(append).expect("a good append").version;
        journal
            .append(one_event("b", n as u64))
            .expect("a good append");
        if n == 25 {
            let half =
                journal.until_durable(journal.append(one_event("c", 0)).expect("good").position);
            half.await.expect("durable");
        }
    }
    for after in [0, 7, version] {
        let whole = journal.read_stream("a", after).expect("it reads");
        let (mut parts, mut until) = (Vec::new(), None);
        loop {
            let part = journal.read_stream_part("a", until, after, 5);
            let part = part.expect("it reads");
            let events: usize = part.records.iter().map(|it| it.append.events.len()).sum();
            assert!(events < 5 + 3, "{events}");
            assert!(part.earlier.is_none() || events >= 5);
            parts.splice(0..0, part.records);
            until = part.earlier;
            if until.is_none() {
                break;
            }
        }
        assert_eq!(parts, whole, "after {after}");
    }
    let of_another = journal.read_stream_part("a", Some(Position::new(2)), 0, 5);
    of_another.expect_err("it is another stream's");
}
