//! The calls to the gateways of the four channels.

use std::sync::Arc;

use mercato_runtime::{
    Activity, ActivityCall, ActivityError, ActivityErrorKind, Personal, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::content::{Content, Words};
use super::reach::ChannelAddress;
use super::settings::UnsubscribeUrl;
use super::unsubscribe::link_for;
use crate::domain::EmailAddress;
use crate::ports::{
    Mail, MailError, Message, MessageStream, Messenger, MessengerError, TextMessage,
};

/// E-mail campaign: hands a message to the mail gateway.
pub const SEND_MAIL: Activity<OutgoingMail, ()> = Activity::new("mail.send");
/// SMS campaign: hands a text to the SMS gateway.
pub const SEND_SMS: Activity<OutgoingText, ()> = Activity::new("sms.send");
/// Push notification: hands a text to the push service.
pub const SEND_PUSH: Activity<OutgoingText, ()> = Activity::new("push.send");
/// Social media: hands a text to the network.
pub const SEND_SOCIAL: Activity<OutgoingText, ()> = Activity::new("social.send");

/// The code of a call that came after its clearance had ended.
pub(super) const STALE: &str = "stale";
/// The code of a call to an address that does not exist.
pub(super) const BOUNCED: &str = "bounced";
/// The code of a call to an address that the gateway has on its own suppression list.
pub(super) const SUPPRESSED: &str = "suppressed";

/// A message for the mail gateway, its address still sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMail {
    /// The gateway sends one message under one key, however often it is asked.
    pub key: Box<str>,
    /// Who receives it.
    pub to: Personal<EmailAddress>,
    /// What it says.
    pub words: Words,
    /// Whether it is a campaign's: then it carries a way to unsubscribe.
    pub promotional: bool,
    /// It is not to be handed over after that.
    pub until: Option<Timestamp>,
}

/// A text for a gateway, its address still sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingText {
    /// The gateway sends one message under one key, however often it is asked.
    pub key: Box<str>,
    /// Who receives it.
    pub to: Personal<ChannelAddress>,
    /// What it says.
    pub words: Content,
    /// It is not to be handed over after that.
    pub until: Option<Timestamp>,
}

/// What was allowed a while ago may be forbidden now: it has become night, or the consent is gone. The
/// call ends by its deadline, so one that ends within the clearance begins within it.
fn in_time(call: &ActivityCall, until: Option<Timestamp>) -> Result<(), ActivityError> {
    match until {
        Some(until) if call.deadline > until => Err(ActivityError::new(
            ActivityErrorKind::Permanent,
            STALE,
            "the time in which this message may be sent is over; decide anew",
        )),
        _ => Ok(()),
    }
}

/// What [`SEND_MAIL`] does: opens the address, and hands the message to the mail port. A campaign's
/// message carries the headers of one-click unsubscribing (RFC 2369, RFC 8058), and the link in its
/// text.
///
/// # Errors
/// Transient where the gateway may take the message later, permanent where it will not, where its
/// clearance has ended, or where the customer was erased.
pub async fn send_mail(
    mail: Arc<dyn Mail>,
    unsubscribe: Arc<UnsubscribeUrl>,
    call: ActivityCall,
    input: OutgoingMail,
) -> Result<(), ActivityError> {
    in_time(&call, input.until)?;
    let to = call.unseal(&input.to)?;
    let link = match input.promotional {
        true => Some(link_for(&call, input.to.person(), &unsubscribe)?),
        false => None,
    };
    let message = compose(to, input.words, link.as_deref());
    let sent = mail.send(&input.key, &message).await;
    sent.map_err(|error| {
        let (kind, code) = match &error {
            MailError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
            MailError::NoSuchAddress => (ActivityErrorKind::Permanent, BOUNCED),
            MailError::Suppressed => (ActivityErrorKind::Permanent, SUPPRESSED),
            MailError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        };
        ActivityError::new(kind, code, error.to_string())
    })
}

fn compose(to: EmailAddress, words: Words, link: Option<&str>) -> Message {
    let Words { content, html } = words;
    let Some(link) = link else {
        return Message {
            to,
            subject: content.subject,
            body: content.body,
            html: html.map(|html| html.0),
            headers: Vec::new(),
            stream: MessageStream::Transactional,
        };
    };
    // A link is made of an address that was checked and of hexadecimal digits: nothing to escape.
    Message {
        to,
        subject: content.subject,
        body: format!("{}\n\n-- \nUnsubscribe: {link}\n", content.body).into(),
        html: html
            .map(|html| format!("{}\n<p><a href=\"{link}\">Unsubscribe</a></p>\n", html.0).into()),
        headers: vec![
            ("List-Unsubscribe".into(), format!("<{link}>").into()),
            (
                "List-Unsubscribe-Post".into(),
                "List-Unsubscribe=One-Click".into(),
            ),
        ],
        stream: MessageStream::Promotional,
    }
}

/// What the activities of the other channels do: opens the address, and hands the text to the port.
///
/// # Errors
/// As [`send_mail`].
pub async fn send_text(
    messenger: Arc<dyn Messenger>,
    call: ActivityCall,
    input: OutgoingText,
) -> Result<(), ActivityError> {
    in_time(&call, input.until)?;
    let message = TextMessage {
        to: call.unseal(&input.to)?.into(),
        title: input.words.subject,
        text: input.words.body,
    };
    let sent = messenger.send(&input.key, &message).await;
    sent.map_err(|error| {
        let (kind, code) = match &error {
            MessengerError::Refused { .. } => (ActivityErrorKind::Permanent, "refused"),
            MessengerError::NoSuchAddress => (ActivityErrorKind::Permanent, BOUNCED),
            MessengerError::Suppressed => (ActivityErrorKind::Permanent, SUPPRESSED),
            MessengerError::Transient => (ActivityErrorKind::Transient, "unavailable"),
        };
        ActivityError::new(kind, code, error.to_string())
    })
}
