//! Why the Marketing agent refuses.

use mercato_runtime::Principal;
use serde::{Deserialize, Serialize};

use super::campaign::PlanError;
use super::customer::Customer;
use super::ids::{CampaignId, MessageId};
use crate::domain::CustomerId;

/// The longest proof of a consent and the longest reason for a pause, in bytes.
pub(super) const NOTE_BYTES_MAX: usize = 200;

/// Why the Marketing agent refused a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum MarketingRejection {
    /// One customer spoke for another.
    #[error("these settings belong to another customer; change your own")]
    NotYours,
    /// What is sealed for another person outlives this one's erasure.
    #[error("the address is sealed for somebody else; seal it for the customer")]
    SealedForAnother,
    /// Mail has a command of its own.
    #[error("this is for other channels than mail; record a contact for that")]
    NotForMail,
    /// A consent without a proof is none.
    #[error("the consent has no proof; say where it can be looked up")]
    NoProof,
    /// The proof or reason is too long.
    #[error("the proof or reason is longer than {NOTE_BYTES_MAX} bytes; shorten it")]
    NoteTooLong,
    /// Too many messages wait for this customer.
    #[error(
        "{} messages wait for this customer already; let some be sent",
        Customer::OUTBOX_MAX
    )]
    OutboxFull,
    /// The message is not this customer's, or is too old to be remembered.
    #[error("no message {0} is known for this customer; queue it first")]
    UnknownMessage(MessageId),
    /// The message was not a campaign's, or was never sent.
    #[error("message {0} is no sent message of a campaign; only those are measured")]
    NotMeasured(MessageId),
    /// The campaign has not begun.
    #[error("campaign {0} has not begun; trigger it first")]
    UnknownCampaign(CampaignId),
    /// The campaign runs with another plan.
    #[error("campaign {0} runs with another plan; choose another name for the new one")]
    CampaignRuns(CampaignId),
    /// The campaign's content has fewer variants.
    #[error("the campaign has no variant {0}; use one that it assigned")]
    UnknownVariant(u8),
    /// What the shop decides was asked for by a customer.
    #[error("only the shop's own people may do this; ask them")]
    NotStaff,
    /// The plan cannot be carried out.
    #[error("the plan cannot be carried out: {0}")]
    Plan(#[from] PlanError),
}

/// The shop's own people and programs may; a shopper only in their own name.
pub(super) fn own(customer: &CustomerId, principal: &Principal) -> Result<(), MarketingRejection> {
    match principal.as_user() {
        Some(asking) if asking != customer.as_str() => Err(MarketingRejection::NotYours),
        _ => Ok(()),
    }
}

/// What only the shop's own people and programs may do.
pub(super) fn staff(principal: &Principal) -> Result<(), MarketingRejection> {
    match principal.as_user() {
        Some(_) => Err(MarketingRejection::NotStaff),
        None => Ok(()),
    }
}
