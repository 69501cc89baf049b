//! What the writers of a case do until they are done, or the journal has failed.

use std::sync::Arc;
use std::time::Duration;

use mercato_persistence::{
    Append, AppendError, EventData, FirstReply, Journal, Mark, Position, RedbJournal, Snapshot,
    TimerChange,
};
use parking_lot::Mutex;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::power_cuts::model::{Model, ensure};

const STREAMS: [&str; 5] = ["order/1", "order/2", "stock/1", "flow/1", "flow/2"];
const SUBSCRIBERS: [&str; 2] = ["mailer", "index"];

/// One writer: some steps, each of them drawn. It ends early where the journal takes nothing more.
pub(crate) async fn write(
    journal: Arc<RedbJournal>,
    model: Arc<Mutex<Model>>,
    mut rng: ChaCha8Rng,
) -> Result<(), String> {
    for _ in 0..rng.random_range(1..=10) {
        let goes_on = match rng.random_range(0..100) {
            0..70 => append(&journal, &model, &mut rng).await?,
            70..76 => repeat(&journal, &model, &mut rng)?,
            76..82 => conflict(&journal, &mut rng)?,
            82..91 => offer_snapshot(&journal, &model, &mut rng),
            _ => move_cursor(&journal, &model, &mut rng),
        };
        if !goes_on {
            break;
        }
        if rng.random_ratio(1, 3) {
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..9))).await;
        }
    }
    Ok(())
}

/// An append of any shape to `stream`, as its writer would make it now.
pub(crate) fn draw_append(journal: &RedbJournal, stream: &str, rng: &mut ChaCha8Rng) -> Append {
    let events = (0..rng.random_range(0..=4))
        .map(|_| EventData {
            name: "Drawn".into(),
            version: rng.random(),
            payload: draw_bytes(rng),
        })
        .collect();
    let command = rng.random_ratio(2, 3).then(|| FirstReply {
        command: Uuid::from_u128(rng.random()),
        body_hash: rng.random(),
        reply: draw_bytes(rng),
    });
    let mark = match rng.random_range(0..4) {
        0 => Some(Mark::Open),
        1 => Some(Mark::Closed),
        _ => None,
    };
    let timers = (0..rng.random_range(0..3))
        .map(|_| draw_timer_change(rng))
        .collect();
    Append {
        events,
        command,
        mark,
        timers,
        ..Append::to(
            stream,
            version(journal, stream),
            rng.random_range(0..100_000),
        )
    }
}

/// A journal whose disk failed under it may not know; it takes no append anyway.
fn version(journal: &RedbJournal, stream: &str) -> u64 {
    journal.version(stream).unwrap_or_default()
}

fn draw_timer_change(rng: &mut ChaCha8Rng) -> TimerChange {
    let name = ["soon", "late"][rng.random_range(0..2)].into();
    if rng.random() {
        TimerChange::Set {
            name,
            due_at_ms: rng.random(),
            payload: draw_bytes(rng),
        }
    } else {
        TimerChange::Clear { name }
    }
}

/// Mostly small; now and then large enough for the file to grow.
fn draw_bytes(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let len = if rng.random_ratio(1, 25) {
        rng.random_range(4_000..20_000)
    } else {
        rng.random_range(0..200)
    };
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes[..]);
    bytes
}

fn draw_stream(rng: &mut ChaCha8Rng) -> &'static str {
    STREAMS[rng.random_range(0..STREAMS.len())]
}

async fn append(
    journal: &RedbJournal,
    model: &Mutex<Model>,
    rng: &mut ChaCha8Rng,
) -> Result<bool, String> {
    let append = draw_append(journal, draw_stream(rng), rng);
    let position = match journal.append(append.clone()) {
        Ok(appended) => appended.position,
        Err(AppendError::Failed(_) | AppendError::Unreadable { .. }) => return Ok(false),
        Err(error) => return Err(format!("a good append was refused: {error}")),
    };
    {
        let mut model = model.lock();
        model.appends.push(append);
        let place = Position::new(model.appends.len() as u64);
        ensure(position == place, || {
            format!("the append after {place} others was given position {position}")
        })?;
    }
    if rng.random_ratio(1, 3) {
        return Ok(true);
    }
    if journal.until_durable(position).await.is_err() {
        return Ok(false);
    }
    model.lock().acknowledge(position);
    Ok(true)
}

/// A command that is recorded is never recorded again.
fn repeat(
    journal: &RedbJournal,
    model: &Mutex<Model>,
    rng: &mut ChaCha8Rng,
) -> Result<bool, String> {
    let model = model.lock();
    let commands: Vec<_> = model
        .appends
        .iter()
        .filter_map(|a| a.command.clone())
        .collect();
    if commands.is_empty() {
        return Ok(true);
    }
    let reply = commands[rng.random_range(0..commands.len())].clone();
    let command = reply.command;
    let again = Append {
        command: Some(reply),
        ..draw_append(journal, draw_stream(rng), rng)
    };
    match journal.append(again) {
        Err(AppendError::Failed(_) | AppendError::Unreadable { .. }) => Ok(false),
        Err(AppendError::Repeated { command: refused }) if refused == command => Ok(true),
        other => Err(format!("a repeated command got {other:?}")),
    }
}

fn conflict(journal: &RedbJournal, rng: &mut ChaCha8Rng) -> Result<bool, String> {
    let mut append = draw_append(journal, draw_stream(rng), rng);
    append.expected_version += 1;
    match journal.append(append) {
        Err(AppendError::Failed(_) | AppendError::Unreadable { .. }) => Ok(false),
        Err(AppendError::WrongVersion { .. }) => Ok(true),
        other => Err(format!("an append to a wrong version got {other:?}")),
    }
}

fn offer_snapshot(journal: &RedbJournal, model: &Mutex<Model>, rng: &mut ChaCha8Rng) -> bool {
    let stream = draw_stream(rng);
    let mut model = model.lock();
    if let Some(position) = model.last_of(stream) {
        let snapshot = Snapshot {
            stream: stream.into(),
            state_version: 1,
            stream_version: version(journal, stream),
            position,
            state: draw_bytes(rng),
        };
        journal.offer_snapshot(snapshot.clone());
        model.snapshots.push(snapshot);
    }
    true
}

/// A subscriber has read some of what is durable, and made an append of it.
fn move_cursor(journal: &RedbJournal, model: &Mutex<Model>, rng: &mut ChaCha8Rng) -> bool {
    let name = SUBSCRIBERS[rng.random_range(0..SUBSCRIBERS.len())];
    let position = Position::new(rng.random_range(0..=journal.durable().get()));
    if position > journal.cursor(name) {
        let mut model = model.lock();
        let after = Position::new(rng.random_range(0..=model.appends.len() as u64));
        journal.set_cursor(name, position, after);
        let cursor = model.cursors.entry(name).or_default();
        cursor.moves.push((position, after));
    }
    true
}
