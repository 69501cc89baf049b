//! `mercato journal inspect`: records for people.

use std::fmt::Write;

use mercato_actors::runtime::EventViews;
use mercato_actors::runtime::persistence::{
    Mark, Position, RecordFilter, Recorded, TimerChange, inspect,
};
use serde_json::{Value, json};

use super::told;
use crate::args::InspectArgs;
use crate::output::{moment, print};

pub(super) fn run(args: &InspectArgs) -> Result<bool, String> {
    let views = mercato_actors::views();
    let filter = filter_of(args)?;
    let mut unreadable = 0;
    let mut printed = Ok(());
    let found = inspect(&args.file, &filter, args.limit, |recorded| {
        // Nobody reads on: the rest is passed over.
        if printed.is_err() {
            return false;
        }
        let events: Vec<Shown> = Shown::all(&views, recorded);
        if let Some(person) = &args.person {
            unreadable += events.iter().filter(|event| event.view.is_err()).count();
            if !names(recorded, &events, person) {
                return false;
            }
        }
        let text = if args.json {
            format!("{}\n", json_of(recorded, &events))
        } else {
            text_of(recorded, &events)
        };
        printed = print(&text);
        true
    });
    let found = told(found)?;
    printed?;
    let Some(found) = found else {
        return Ok(false);
    };
    if found.more {
        eprintln!(
            "there may be more after {} records: raise --limit, or narrow the search",
            found.shown
        );
    }
    if found.shown == 0 {
        let owners: Vec<_> = views.kinds().map(|kinds| kinds.owner).collect();
        eprintln!("no record matches; the agents are {}", owners.join(", "));
    }
    if unreadable > 0 {
        eprintln!("{unreadable} events could not be read, so whom they name is not known");
    }
    Ok(true)
}

fn filter_of(args: &InspectArgs) -> Result<RecordFilter, String> {
    if args.from > args.to {
        return Err(format!(
            "--from {} lies after --to {}; swap them",
            args.from, args.to
        ));
    }
    let mut filter = RecordFilter {
        from: Position::new(args.from),
        to: Position::new(args.to),
        ..RecordFilter::default()
    };
    if let Some(agent) = &args.agent {
        filter.under.push(match &args.entity {
            Some(entity) => format!("{agent}/{entity}"),
            None => agent.clone(),
        });
    }
    if let Some(flow) = &args.flow {
        filter.under.push(format!("flow/{flow}"));
    }
    Ok(filter)
}

/// An event, as far as it can be read.
struct Shown<'a> {
    name: &'a str,
    version: u16,
    view: Result<Value, String>,
}

impl<'a> Shown<'a> {
    fn all(views: &EventViews, recorded: &'a Recorded) -> Vec<Self> {
        let append = &recorded.append;
        let show = |event: &'a mercato_actors::runtime::persistence::EventData| Self {
            name: &event.name,
            version: event.version,
            view: views
                .view(&append.stream, event)
                .map_err(|error| error.to_string()),
        };
        append.events.iter().map(show).collect()
    }
}

/// Whether a record names somebody: as a part of its stream's name, or anywhere in an event.
fn names(recorded: &Recorded, events: &[Shown], person: &str) -> bool {
    let in_stream = recorded.append.stream.split('/').any(|part| part == person);
    let in_event = |event: &Shown| {
        let view = event.view.as_ref();
        view.is_ok_and(|view| mentions(view, person))
    };
    in_stream || events.iter().any(in_event)
}

fn mentions(view: &Value, person: &str) -> bool {
    match view {
        Value::String(text) => text == person,
        Value::Array(values) => values.iter().any(|value| mentions(value, person)),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name == person || mentions(value, person)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn mark_of(mark: Mark) -> &'static str {
    match mark {
        Mark::Open => "unfinished",
        Mark::Closed => "finished",
    }
}

fn text_of(recorded: &Recorded, events: &[Shown]) -> String {
    let append = &recorded.append;
    let mut text = format!(
        "{}  {}  {}  version {}",
        recorded.position,
        moment(append.recorded_at_ms),
        append.stream.escape_debug(),
        recorded.version_after()
    );
    let mut line = |line: std::fmt::Arguments<'_>| {
        // A string takes whatever it is given.
        let _ = text.write_fmt(line);
    };
    if let Some(mark) = append.mark {
        line(format_args!("  {}", mark_of(mark)));
    }
    if let Some(reply) = &append.command {
        line(format_args!("\n    command {}", reply.command));
    }
    for event in events {
        let name = event.name.escape_debug();
        match &event.view {
            Ok(view) => line(format_args!("\n    {name} {}: {view}", event.version)),
            Err(error) => line(format_args!("\n    {name} {}: ({error})", event.version)),
        }
    }
    for change in &append.timers {
        match change {
            TimerChange::Set {
                name, due_at_ms, ..
            } => line(format_args!(
                "\n    timer {} is set for {}",
                name.escape_debug(),
                moment(*due_at_ms)
            )),
            TimerChange::Clear { name } => {
                line(format_args!(
                    "\n    timer {} is cleared",
                    name.escape_debug()
                ));
            }
        }
    }
    text.push('\n');
    text
}

fn json_of(recorded: &Recorded, events: &[Shown]) -> Value {
    let append = &recorded.append;
    let events = events.iter().map(|event| match &event.view {
        Ok(view) => json!({ "name": event.name, "version": event.version, "view": view }),
        Err(error) => json!({ "name": event.name, "version": event.version, "error": error }),
    });
    let timers = append.timers.iter().map(|change| match change {
        TimerChange::Set {
            name, due_at_ms, ..
        } => json!({ "name": name, "due_at_ms": due_at_ms }),
        TimerChange::Clear { name } => json!({ "name": name, "due_at_ms": null }),
    });
    json!({
        "position": recorded.position.get(),
        "stream": &*append.stream,
        "version": recorded.version_after(),
        "recorded_at_ms": append.recorded_at_ms,
        "mark": append.mark.map(mark_of),
        "command": append.command.as_ref().map(|reply| reply.command.to_string()),
        "events": events.collect::<Vec<_>>(),
        "timers": timers.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: `c-1` that finds `c-17`, and a name that is looked for in one place only.
    #[test]
    fn a_person_is_found_wherever_a_view_names_them_whole() {
        let view = json!({ "order": { "lines": [{ "for": "c-17" }] }, "c-18": 3, "n": 17 });
        assert!(mentions(&view, "c-17"));
        assert!(mentions(&view, "c-18"));
        assert!(!mentions(&view, "c-1"));
        assert!(!mentions(&view, "17"));
    }
}
