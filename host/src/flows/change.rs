//! `mercato flows cancel`, `retry` and `resolve`.

use std::time::Duration;

use mercato_actors::runtime::{
    Caller, FlowId, FlowOperation, FlowOperationError, Flows, Principal,
};
use serde_json::json;

use super::look::one;
use super::shown::{Shown, name_of, undos_left};
use crate::args::{Request, Which};
use crate::output::print;

/// How long the disk may take to keep a request.
const PATIENCE: Duration = Duration::from_secs(60);

type Operated = Result<FlowOperation, FlowOperationError>;

pub(super) async fn cancel(
    flows: &Flows,
    which: &Which,
    request: &Request,
    reason: &str,
) -> Result<(), String> {
    let (caller, id) = (caller(request), id_of(which));
    let asked = flows.cancel(&caller, &which.flow, &id, reason).await;
    tell(flows, which, request, asked, |shown, recorded| {
        if !recorded {
            return "it was cancelled before, or fails and undoes itself already".to_owned();
        }
        let undoes = undos_left(&shown.status);
        match undoes.is_empty() {
            true => "with the next start it ends, and there is nothing to undo".to_owned(),
            false => format!(
                "with the next start it takes no further step, and undoes {}",
                undoes.join(", ").escape_debug()
            ),
        }
    })
}

pub(super) async fn retry(
    flows: &Flows,
    which: &Which,
    request: &Request,
    step: Option<&str>,
) -> Result<(), String> {
    let (caller, id) = (caller(request), id_of(which));
    let asked = flows.retry(&caller, &which.flow, &id, step).await;
    tell(flows, which, request, asked, |_, recorded| {
        match (recorded, step) {
            (false, _) => "that was asked for before".to_owned(),
            (true, None) => "with the next start it begins anew".to_owned(),
            (true, Some(step)) => format!(
                "with the next start the undo of `{}` is tried again",
                step.escape_debug()
            ),
        }
    })
}

pub(super) async fn resolve(
    flows: &Flows,
    which: &Which,
    request: &Request,
    step: Option<&str>,
    reason: &str,
) -> Result<(), String> {
    let (caller, id) = (caller(request), id_of(which));
    let asked = flows.resolve(&caller, &which.flow, &id, step, reason);
    tell(flows, which, request, asked.await, |shown, recorded| {
        let settled = match recorded {
            true => "it is off the work list",
            false => "it was off the work list before",
        };
        match shown.waits.is_empty() {
            true => format!("{settled}, and nothing more of the flow waits"),
            false => format!("{settled}; the flow waits for {}", shown.waits_for()),
        }
    })
}

/// Says what came of a request that was carried out.
fn tell(
    flows: &Flows,
    which: &Which,
    request: &Request,
    asked: Operated,
    what_comes: impl FnOnce(&Shown, bool) -> String,
) -> Result<(), String> {
    let recorded = match asked {
        Ok(operation) => operation == FlowOperation::Accepted,
        Err(error) => return Err(refused(which, &error)),
    };
    let shown = one(flows, which)?;
    if request.json {
        let told = json!({ "recorded": recorded, "flow": shown.json() });
        return print(&format_args!("{told}\n"));
    }
    let (name, comes) = (shown.name(), what_comes(&shown, recorded));
    let done = match recorded {
        true => "recorded",
        false => "nothing was recorded",
    };
    print(&format_args!("{name}: {done}; {comes}\n"))
}

/// Why nothing was done, and how to go on.
pub(super) fn refused(which: &Which, error: &FlowOperationError) -> String {
    let name = name_of(&which.flow, &which.id);
    let (file, flow) = (which.file.display(), &which.flow);
    match error {
        FlowOperationError::NotFound { .. } => {
            format!("{error}; `mercato flows list {file}` shows those that are not over")
        }
        FlowOperationError::NotOnWorkList => {
            format!("{name}: {error}; `mercato flows work {file} --flow {flow}` shows what is")
        }
        error => format!("{name}: {error}"),
    }
}

fn caller(request: &Request) -> Caller {
    let operator = Principal::Operator(request.by.as_str().into());
    Caller::new(operator).within(PATIENCE)
}

fn id_of(which: &Which) -> FlowId {
    FlowId::new(which.id.as_str())
}
