//! How Marketing learns of complaints.

use mercato_runtime::{Flow, FlowError, FlowType};
use serde::{Deserialize, Serialize};

use super::complaint_commands::NoteComplaint;
use super::delivery::DeliveryError;
use crate::domain::CustomerId;
use crate::support::{ConversationId, ShowConversation};

/// The flow that finds out who complains. A ticket names its conversation, and that its shopper.
pub const NOTE_COMPLAINT: FlowType<TicketChange, bool, DeliveryError> =
    FlowType::new("note-complaint", 1).by_the_service();

/// A ticket that was opened for a complaint, or one that was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketChange {
    /// In which conversation.
    pub conversation: Box<str>,
    /// Whether it was opened.
    pub open: bool,
}

/// Notes at the customer that they complain, or no longer. Gives whether it is known who they are.
///
/// # Errors
/// When an agent cannot be asked.
pub async fn note_complaint(flow: Flow, change: TicketChange) -> Result<bool, DeliveryError> {
    Ok(note(&flow, change).await?)
}

async fn note(flow: &Flow, change: TicketChange) -> Result<bool, FlowError> {
    let Ok(conversation) = ConversationId::new(change.conversation.clone()) else {
        return Ok(false);
    };
    let show = ShowConversation { conversation };
    let shown = flow.ask("conversation", show).await?;
    let customer = shown
        .shopper
        .and_then(|shopper| CustomerId::new(shopper).ok());
    let Some(customer) = customer else {
        return Ok(false);
    };
    let note = NoteComplaint {
        customer,
        conversation: change.conversation,
        open: change.open,
    };
    flow.ask("note", note).await?;
    Ok(true)
}
