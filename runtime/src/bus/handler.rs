//! Deliveries for a handler: each in a task of its own, whose panic is its own.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use mercato_supervisor::panic_text;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::delivery::{Delivery, DeliveryError};
use super::desk::Desk;
use super::pull::Leased;
use crate::telemetry::Telemetry;

pub(super) type Handler =
    Arc<dyn Fn(Delivery) -> BoxFuture<'static, Result<(), DeliveryError>> + Send + Sync>;

/// Hands deliveries to `handler` until it is dropped, and then what it still works on is dropped
/// too. How many are handled at a time is up to the desk.
pub(super) async fn drive(
    desk: Arc<Desk>,
    handler: Handler,
    time_max: Duration,
    telemetry: Arc<Telemetry>,
) -> Infallible {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = running.join_next() => {}
            leased = desk.take() => match leased {
                Some(leased) => {
                    let delivery = leased.delivery();
                    let names = (&*desk.name, delivery.name(), delivery.attempt());
                    let traced = telemetry.spans.delivery(delivery.trace(), names);
                    let handled = handle(handler.clone(), leased, time_max);
                    running.spawn(handled.instrument(traced.span));
                }
                None => break,
            },
        }
    }
    while running.join_next().await.is_some() {}
    std::future::pending().await
}

async fn handle(handler: Handler, leased: Leased, time_max: Duration) {
    let delivery = leased.delivery().clone();
    // The handler itself may panic, before there is a future.
    let handled = AssertUnwindSafe(async { handler(delivery).await }).catch_unwind();
    let answered = match tokio::time::timeout(time_max, handled).await {
        Ok(Ok(Ok(()))) => leased.ack(),
        Ok(Ok(Err(error))) => leased.fail(error),
        Ok(Err(panic)) => leased.fail(DeliveryError::retry(format_args!(
            "the handler panicked: {}",
            panic_text(panic)
        ))),
        Err(_) => leased.fail(DeliveryError::retry(format_args!(
            "the handler took more than {} ms",
            time_max.as_millis()
        ))),
    };
    // Late only where the subscriber was reset or the disk failed: then it comes again.
    let _ = answered;
}
