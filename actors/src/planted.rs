//! Mistakes that are made on purpose, so that a simulation can show that its laws would find them.
//! They exist under the feature `planted-bugs` alone, and only where the shop is told.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::domain::PaymentId;
use crate::inventory::InventoryAgent;
use crate::ports::{
    Authorisation, AuthoriseRequest, MovementRequest, PaymentError, PaymentRecord, Payments,
    StatementLine, VoidOutcome,
};
use crate::pricing::PricingAgent;
use crate::shop::Ports;

/// A mistake of the shop's, or of the runtime's under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlantedBug {
    /// One of the runtime's.
    Runtime(mercato_runtime::PlantedBug),
    /// The journal reads pages without looking at their checksums.
    UncheckedPage,
    /// A reservation is released twice.
    ReleaseTwice,
    /// A charge whose answer is lost is tried again under a new name.
    NewChargeKey,
    /// A price is taken after its quote expired.
    ExpiredPrice,
}

impl PlantedBug {
    /// Every one of them, with its name.
    pub const ALL: [(&'static str, Self); 12] = {
        use mercato_runtime::PlantedBug as R;
        [
            (
                "acknowledge-before-commit",
                Self::Runtime(R::AcknowledgeEarly),
            ),
            ("release-twice", Self::ReleaseTwice),
            ("forget-compensation", Self::Runtime(R::ForgetUndos)),
            ("new-charge-key", Self::NewChargeKey),
            ("drop-dedupe", Self::Runtime(R::ForgetReplies)),
            ("snapshot-late", Self::Runtime(R::SnapshotLate)),
            ("cursor-early", Self::Runtime(R::CursorEarly)),
            ("timers-lost", Self::Runtime(R::TimersLost)),
            ("stale-cache", Self::Runtime(R::StaleCache)),
            ("mailbox-dropped", Self::Runtime(R::MailboxDropped)),
            ("unchecked-page", Self::UncheckedPage),
            ("expired-price", Self::ExpiredPrice),
        ]
    };

    /// The runtime's own part in it.
    #[must_use]
    pub fn of_runtime(self) -> Option<mercato_runtime::PlantedBug> {
        match self {
            Self::Runtime(bug) => Some(bug),
            _ => None,
        }
    }
}

/// The agents, with their own part in it.
pub(crate) fn agents(
    mut inventory: InventoryAgent,
    mut pricing: PricingAgent,
    bug: Option<PlantedBug>,
) -> (InventoryAgent, PricingAgent) {
    inventory.releases_twice = bug == Some(PlantedBug::ReleaseTwice);
    pricing.honours_expired = bug == Some(PlantedBug::ExpiredPrice);
    (inventory, pricing)
}

/// The ports, as they are called with such a mistake.
pub(crate) fn ports(ports: &Ports, bug: Option<PlantedBug>) -> Ports {
    let mut ports = ports.clone();
    if bug == Some(PlantedBug::NewChargeKey) {
        ports.payments = Arc::new(Impatient(ports.payments));
    }
    ports
}

/// Charges again, under another name, where a charge has no answer.
struct Impatient(Arc<dyn Payments>);

impl Payments for Impatient {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        async move {
            match self.0.authorise(request).await {
                Err(PaymentError::Unknown | PaymentError::Transient) => {}
                answer => return answer,
            }
            let Ok(payment) = PaymentId::new(format!("{}-again", request.payment)) else {
                return Err(PaymentError::Unknown);
            };
            let again = AuthoriseRequest {
                payment,
                ..request.clone()
            };
            self.0.authorise(&again).await
        }
        .boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        self.0.capture(key, request)
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        self.0.void(key, payment)
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        self.0.refund(key, request)
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        self.0.lookup(payment)
    }

    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>> {
        self.0.statement(after, limit)
    }
}
