//! The shop's ports in one life: the gateways that outlive it, at the end of a road.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_actors::{
    Address, Authorisation, AuthoriseRequest, Carrier, CarrierError, Consignment, InProcessCarrier,
    InProcessMail, InProcessPayments, InProcessProcurement, Mail, MailError, Message,
    MovementRequest, PaymentError, PaymentId, PaymentNotice, PaymentNoticeKind, PaymentRecord,
    Payments, Ports, Procurement, ProcurementError, PurchaseAccepted, PurchaseLookup,
    PurchaseRecord, PurchaseRequest, StatementLine, TrackingNumber, VoidOutcome,
};
use rand::Rng;

use super::ShopScene;
use super::memory::ShopMemory;
use super::road::{NoAnswer, Road};
use crate::lives::{FaultKind, Site};

/// Latencies, in ms at the median.
const PAYMENTS_MS: f64 = 120.0;
const MAIL_MS: f64 = 60.0;
const CARRIER_MS: f64 = 90.0;
const SUPPLIER_MS: f64 = 200.0;
/// The latest that a gateway tells something by itself.
const NOTICE_AFTER_MAX: Duration = Duration::from_secs(60);

pub(super) fn ports(scene: &ShopScene, site: &Site) -> Option<Ports> {
    let outside = &scene.outside;
    Some(Ports {
        payments: Arc::new(FarPayments {
            road: Road::new(site, "money", PAYMENTS_MS)?,
            gateway: outside.payments.clone(),
            memory: scene.memory.clone(),
        }),
        carrier: Arc::new(FarCarrier {
            road: Road::new(site, "carrier", CARRIER_MS)?,
            gateway: outside.carrier.clone(),
        }),
        mail: Arc::new(FarMail {
            road: Road::new(site, "mail", MAIL_MS)?,
            gateway: outside.mail.clone(),
        }),
        procurement: Arc::new(FarSupplier {
            road: Road::new(site, "goods", SUPPLIER_MS)?,
            gateway: outside.procurement.clone(),
        }),
        messengers: outside.messengers.clone(),
        competitors: outside.competitors.clone(),
    })
}

struct FarPayments {
    road: Road,
    gateway: Arc<InProcessPayments>,
    memory: ShopMemory,
}

impl FarPayments {
    async fn call<T>(
        &self,
        what: String,
        act: impl Future<Output = Result<T, PaymentError>>,
    ) -> Result<T, PaymentError> {
        match self.road.call(&what, act).await {
            Ok(answer) => answer,
            Err(NoAnswer::Busy) => Err(PaymentError::Transient),
            Err(NoAnswer::Lost) => Err(PaymentError::Unknown),
        }
    }

    /// Now and then the gateway tells by itself, late and twice, how a payment came out.
    fn will_tell(&self, request: &AuthoriseRequest, outcome: &Result<Authorisation, PaymentError>) {
        let kind = match outcome {
            Ok(authorised) => PaymentNoticeKind::Authorised {
                amount: authorised.amount,
                until: authorised.until,
            },
            Err(PaymentError::Declined(reason)) => PaymentNoticeKind::Declined(*reason),
            Err(_) => return,
        };
        let moments = self.road.happens(FaultKind::NoticeDoubled, |rng| {
            [(); 2].map(|()| NOTICE_AFTER_MAX.mul_f64(rng.random()))
        });
        let Some(moments) = moments else {
            return;
        };
        self.road.struck(FaultKind::NoticeDoubled);
        for after in moments {
            let notice = PaymentNotice {
                payment: request.payment.clone(),
                kind,
            };
            let told = super::postman::letter(request.order.clone(), notice);
            let due = self.road.site.now() + after;
            self.memory.remembered().notices.push((due, told));
        }
    }
}

impl Payments for FarPayments {
    fn authorise<'a>(
        &'a self,
        request: &'a AuthoriseRequest,
    ) -> BoxFuture<'a, Result<Authorisation, PaymentError>> {
        let what = format!("authorise {} for {}", request.amount, request.payment);
        let act = async {
            let outcome = self.gateway.authorise(request).await;
            self.will_tell(request, &outcome);
            outcome
        };
        self.call(what, act).boxed()
    }

    fn capture<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        let what = format!("capture {} of {}", request.amount, request.payment);
        self.call(what, async { self.gateway.capture(key, request).await })
            .boxed()
    }

    fn void<'a>(
        &'a self,
        key: &'a str,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<VoidOutcome, PaymentError>> {
        let what = format!("void {payment}");
        self.call(what, async { self.gateway.void(key, payment).await })
            .boxed()
    }

    fn refund<'a>(
        &'a self,
        key: &'a str,
        request: &'a MovementRequest,
    ) -> BoxFuture<'a, Result<(), PaymentError>> {
        let what = format!("refund {} of {}", request.amount, request.payment);
        self.call(what, async { self.gateway.refund(key, request).await })
            .boxed()
    }

    fn lookup<'a>(
        &'a self,
        payment: &'a PaymentId,
    ) -> BoxFuture<'a, Result<Option<PaymentRecord>, PaymentError>> {
        let what = format!("look up {payment}");
        self.call(what, async { self.gateway.lookup(payment).await })
            .boxed()
    }

    fn statement<'a>(
        &'a self,
        after: Option<&'a PaymentId>,
        limit: u16,
    ) -> BoxFuture<'a, Result<Vec<StatementLine>, PaymentError>> {
        let what = "statement".to_owned();
        self.call(
            what,
            async move { self.gateway.statement(after, limit).await },
        )
        .boxed()
    }
}

struct FarMail {
    road: Road,
    gateway: Arc<InProcessMail>,
}

impl Mail for FarMail {
    fn send<'a>(
        &'a self,
        key: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), MailError>> {
        let what = format!("send {key}");
        async move {
            let act = async { self.gateway.send(key, message).await };
            // A repeated key sends nothing more, so an answer that is lost is asked for again.
            let answer = self.road.call(&what, act).await;
            answer.unwrap_or(Err(MailError::Transient))
        }
        .boxed()
    }
}

struct FarCarrier {
    road: Road,
    gateway: Arc<InProcessCarrier>,
}

impl Carrier for FarCarrier {
    fn create_label<'a>(
        &'a self,
        key: &'a str,
        parcel: &'a Consignment,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<TrackingNumber, CarrierError>> {
        let what = format!("label parcel {} of {}", parcel.parcel, parcel.order);
        async move {
            let act = async { self.gateway.create_label(key, parcel, address).await };
            let answer = self.road.call(&what, act).await;
            answer.unwrap_or(Err(CarrierError::Transient))
        }
        .boxed()
    }
}

struct FarSupplier {
    road: Road,
    gateway: Arc<InProcessProcurement>,
}

impl Procurement for FarSupplier {
    fn place<'a>(
        &'a self,
        request: &'a PurchaseRequest,
    ) -> BoxFuture<'a, Result<PurchaseAccepted, ProcurementError>> {
        let what = format!("order {} of {}", request.quantity, request.sku);
        async move {
            let act = async { self.gateway.place(request).await };
            match self.road.call(&what, act).await {
                Ok(answer) => answer,
                Err(NoAnswer::Busy) => Err(ProcurementError::Transient),
                Err(NoAnswer::Lost) => Err(ProcurementError::Unknown),
            }
        }
        .boxed()
    }

    fn lookup<'a>(
        &'a self,
        request: &'a PurchaseLookup,
    ) -> BoxFuture<'a, Result<Option<PurchaseRecord>, ProcurementError>> {
        let what = format!("look up {}", request.order);
        async move {
            let act = async { self.gateway.lookup(request).await };
            let answer = self.road.call(&what, act).await;
            answer.unwrap_or(Err(ProcurementError::Transient))
        }
        .boxed()
    }
}
