//! The outside: payments, carriers, mail and other messages, suppliers, competitors.
//!
//! A port is a trait; agents and flows know nothing else of the outside. Each has a default that
//! lives in this process and keeps a ledger of what it did, so that a shop runs without any
//! outside, and a simulator can hold the ledger against the shop's own books.

mod carrier;
mod competitors;
mod label;
mod language;
mod ledger;
mod mail;
mod messenger;
mod payment_books;
mod payments;
mod payments_in_process;
mod procurement;
mod procurement_in_process;
mod tracking;

pub use carrier::{
    Carrier, CarrierError, Consignment, InProcessCarrier, LabelEntry, ParcelStatus, TrackingScan,
};
pub use competitors::{
    CompetitorFeed, CompetitorFeedError, CompetitorObservation, InProcessCompetitors,
    OBSERVATIONS_MAX, ObservedProduct,
};
pub use label::{LabelError, ShippingLabel};
pub use language::{LanguageModel, LanguageModelError};
pub use ledger::{LedgerEntry, LedgerFull, LedgerOptions, LedgerSink};
pub use mail::{InProcessMail, Mail, MailEntry, MailError, Message, MessageStream};
pub use messenger::{
    InProcessMessenger, Messenger, MessengerError, Messengers, TextEntry, TextMessage,
};
pub use payment_books::{PaymentEntry, PaymentLedger, PaymentMovement};
pub use payments::{
    Authorisation, AuthoriseRequest, DeclineReason, MovementRequest, PaymentError, PaymentMethod,
    PaymentNotice, PaymentNoticeKind, PaymentRecord, Payments, StatementLine, VoidOutcome,
};
pub use payments_in_process::InProcessPayments;
pub use procurement::{
    Procurement, ProcurementError, PurchaseAccepted, PurchaseDelivery, PurchaseLookup,
    PurchaseRecord, PurchaseRequest,
};
pub use procurement_in_process::{InProcessProcurement, PurchaseEntry, SupplierHabits};
pub use tracking::{TrackingNumber, TrackingNumberError};
