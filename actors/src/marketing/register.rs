//! Marketing's flows and port calls, in one place.

use std::sync::Arc;

use mercato_runtime::RuntimeBuilder;

use super::complaint_flow::{NOTE_COMPLAINT, note_complaint};
use super::delivery::{DELIVER, deliver};
use super::send::{SEND_MAIL, SEND_PUSH, SEND_SMS, SEND_SOCIAL, send_mail, send_text};
use super::settings::UnsubscribeUrl;
use super::workflow::{RUN_CAMPAIGN, run_campaign};
use crate::ports::{Mail, Messengers};

/// Adds what Marketing does beyond its agent: its flows, and what they ask of the four channels'
/// gateways. What starts them is in [`marketing_triggers`](super::marketing_triggers).
#[must_use]
pub fn register_marketing(
    builder: RuntimeBuilder,
    mail: Arc<dyn Mail>,
    messengers: Messengers,
    unsubscribe_url: UnsubscribeUrl,
) -> RuntimeBuilder {
    let url = Arc::new(unsubscribe_url);
    let Messengers { sms, push, social } = messengers;
    builder
        .activity(SEND_MAIL, move |call, input| {
            send_mail(mail.clone(), url.clone(), call, input)
        })
        .activity(SEND_SMS, move |call, input| {
            send_text(sms.clone(), call, input)
        })
        .activity(SEND_PUSH, move |call, input| {
            send_text(push.clone(), call, input)
        })
        .activity(SEND_SOCIAL, move |call, input| {
            send_text(social.clone(), call, input)
        })
        .flow(DELIVER, deliver)
        .flow(RUN_CAMPAIGN, run_campaign)
        .flow(NOTE_COMPLAINT, note_complaint)
}
