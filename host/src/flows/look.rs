//! `mercato flows list`, `work` and `show`.

use mercato_actors::runtime::{AskFailure, FlowId, FlowStatus, Flows, UnreadableFlow, WorkItem};
use serde_json::json;

use super::shown::{Shown, kind_of, name_of, state_of};
use super::table::aligned;
use crate::args::{ListArgs, Which, WorkArgs};
use crate::output::{moment, print};

/// How many flows are read at once.
const PAGE: usize = 256;

pub(super) fn list(flows: &Flows, args: &ListArgs) -> Result<(), String> {
    // Whatever is chosen, others may be what it waits for.
    let (all, unreadable) =
        every_flow(flows).map_err(|failure| format!("the flows cannot be listed: {failure}"))?;
    let wanted = |status: &&FlowStatus| {
        let of_name = args
            .flow
            .as_deref()
            .is_none_or(|name| name == &*status.flow);
        let state = state_of(&status.state);
        of_name && (args.state.is_empty() || args.state.contains(&state))
    };
    let work = all_work(flows, None)?;
    let chosen: Vec<_> = all.iter().filter(wanted).collect();
    let shown = chosen.iter().take(args.limit).map(|status| {
        let (flow, id) = (&*status.flow, &*status.id);
        let children = children_of(&all, flow, id);
        Shown::new((*status).clone(), work_of(&work, flow, id), &children)
    });
    let shown: Vec<_> = shown.collect();
    if args.json {
        for flow in &shown {
            print(&format_args!("{}\n", flow.json()))?;
        }
    } else if !shown.is_empty() {
        let rows = shown.iter().map(|flow| {
            let wake = flow.next_wake().map(|at| moment(at.as_millis()));
            [
                flow.name(),
                state_of(&flow.status.state),
                moment(flow.status.recorded_at.as_millis()),
                wake.unwrap_or_else(|| "-".into()),
                flow.waits_for(),
            ]
        });
        let heads = ["flow", "state", "since", "next wake", "waits for"];
        print(&aligned(heads, &rows.collect::<Vec<_>>()))?;
    }
    left_out(chosen.len(), args.limit, "flows are");
    for flow in &unreadable {
        let name = name_of(&flow.flow, &flow.id);
        eprintln!("{name} cannot be read: {}", flow.failure);
    }
    if chosen.is_empty() {
        eprintln!("no such flow is on its way, or waits for a person");
    }
    Ok(())
}

pub(super) fn work(flows: &Flows, args: &WorkArgs) -> Result<(), String> {
    let work = all_work(flows, args.flow.as_deref())?;
    let shown = work.iter().take(args.limit);
    if args.json {
        for item in shown {
            let line = json!({
                "flow": item.flow,
                "id": item.id,
                "what": kind_of(item.kind),
                "step": item.step,
                "since_ms": item.since.as_millis(),
                "why": item.error,
            });
            print(&format_args!("{line}\n"))?;
        }
    } else if !work.is_empty() {
        let rows = shown.map(|item| {
            let step = item.step.as_deref().unwrap_or("-");
            [
                name_of(&item.flow, &item.id),
                kind_of(item.kind).to_owned(),
                step.escape_debug().to_string(),
                moment(item.since.as_millis()),
                item.error.escape_debug().to_string(),
            ]
        });
        let heads = ["flow", "what", "step", "since", "why"];
        print(&aligned(heads, &rows.collect::<Vec<_>>()))?;
    }
    left_out(work.len(), args.limit, "wait");
    if work.is_empty() {
        eprintln!("nothing waits for a person");
    }
    Ok(())
}

pub(super) fn show(flows: &Flows, which: &Which, as_json: bool) -> Result<(), String> {
    let shown = one(flows, which)?;
    match as_json {
        true => print(&format_args!("{}\n", shown.json())),
        false => print(&shown.text()),
    }
}

/// One flow as it is now.
pub(super) fn one(flows: &Flows, which: &Which) -> Result<Shown, String> {
    let id = FlowId::new(which.id.as_str());
    let status = flows.inspect(&which.flow, &id);
    let status = status.map_err(|error| super::change::refused(which, &error))?;
    let work = all_work(flows, Some(&which.flow))?;
    // Another flow that cannot be read is no reason to say nothing of this one.
    let (all, _) = every_flow(flows).unwrap_or_default();
    let children = children_of(&all, &which.flow, &which.id);
    let work = work_of(&work, &which.flow, &which.id);
    Ok(Shown::new(status, work, &children))
}

fn every_flow(flows: &Flows) -> Result<(Vec<FlowStatus>, Vec<UnreadableFlow>), AskFailure> {
    let (mut all, mut unreadable, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = flows.list(None, after.as_deref(), PAGE)?;
        all.extend(page.flows);
        unreadable.extend(page.unreadable);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((all, unreadable)),
        }
    }
}

fn all_work(flows: &Flows, flow: Option<&str>) -> Result<Vec<WorkItem>, String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = flows.work_list(flow, after.as_deref(), PAGE);
        let page = page.map_err(|failure| format!("the work list cannot be read: {failure}"))?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

fn children_of<'a>(all: &'a [FlowStatus], flow: &str, id: &str) -> Vec<&'a FlowStatus> {
    let is_parent = |(name, its): &(Box<str>, Box<str>)| **name == *flow && **its == *id;
    let children = all.iter();
    children
        .filter(|child| child.parent.as_ref().is_some_and(is_parent))
        .collect()
}

fn work_of(work: &[WorkItem], flow: &str, id: &str) -> Vec<WorkItem> {
    let of_flow = |item: &&WorkItem| *item.flow == *flow && *item.id == *id;
    work.iter().filter(of_flow).cloned().collect()
}

fn left_out(found: usize, limit: usize, what: &str) {
    if found > limit {
        let more = found - limit;
        eprintln!("{more} more {what} there: raise --limit, or choose a --flow");
    }
}
