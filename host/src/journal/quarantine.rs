//! `mercato journal quarantine`: what stands aside.

use mercato_actors::runtime::persistence::{RecordFilter, inspect};
use mercato_actors::runtime::{QuarantineRecords, SetAside, SetAsideWhat};
use serde_json::{Value, json};

use super::told;
use crate::args::QuarantineArgs;
use crate::output::{moment, print};

pub(super) fn run(args: &QuarantineArgs) -> Result<bool, String> {
    let streams = QuarantineRecords::STREAMS;
    let mut filter = RecordFilter::default();
    filter.under.push(match &args.agent {
        Some(agent) => format!("{streams}/{agent}"),
        None => streams.to_owned(),
    });
    let (mut records, mut unreadable) = (QuarantineRecords::default(), 0);
    let found = inspect(&args.file, &filter, usize::MAX, |recorded| {
        unreadable += u64::from(records.add(recorded).is_err());
        true
    });
    if told(found)?.is_none() {
        return Ok(false);
    }
    let standing = records.standing();
    for item in standing.iter().take(args.limit) {
        let line = if args.json {
            json_of(item).to_string()
        } else {
            text_of(item)
        };
        print(&format!("{line}\n"))?;
    }
    if standing.len() > args.limit {
        let more = standing.len() - args.limit;
        eprintln!("{more} more stand aside: raise --limit, or choose an --agent");
    }
    if standing.is_empty() {
        eprintln!("nothing stands aside");
    }
    if unreadable > 0 {
        eprintln!("{unreadable} records could not be read, so there may be more");
    }
    Ok(true)
}

fn text_of(item: &SetAside) -> String {
    let what = match &item.what {
        SetAsideWhat::Command {
            id,
            name,
            attempts,
            times,
            panic,
            ..
        } => format!(
            "command {id}  {}  tried {attempts} times, set aside {times}: {}",
            name.escape_debug(),
            panic.escape_debug()
        ),
        SetAsideWhat::Entity {
            place,
            event,
            version,
            reason,
        } => format!(
            "entity  {} {version} at {place}: {}",
            event.escape_debug(),
            reason.escape_debug()
        ),
    };
    format!(
        "{}  {}  {}/{}  {what}",
        item.position,
        moment(item.set_aside_at.as_millis()),
        item.agent.escape_debug(),
        item.entity.escape_debug()
    )
}

fn json_of(item: &SetAside) -> Value {
    let mut shown = json!({
        "position": item.position.get(),
        "set_aside_at_ms": item.set_aside_at.as_millis(),
        "agent": &*item.agent,
        "entity": &*item.entity,
    });
    let what = match &item.what {
        SetAsideWhat::Command {
            id,
            name,
            attempts,
            times,
            panic,
            ..
        } => json!({
            "command": id.to_string(),
            "name": name,
            "attempts": attempts,
            "times": times,
            "panic": panic,
        }),
        SetAsideWhat::Entity {
            place,
            event,
            version,
            reason,
        } => json!({
            "event": event,
            "version": version,
            "at": place.to_string(),
            "reason": reason,
        }),
    };
    if let (Value::Object(shown), Value::Object(what)) = (&mut shown, what) {
        shown.extend(what);
    }
    shown
}
