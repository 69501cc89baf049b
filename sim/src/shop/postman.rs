//! What gateways tell by themselves reaches the shop: late, and sometimes twice.

use std::collections::BTreeSet;
use std::time::Duration;

use mercato_actors::runtime::{AskError, Caller, Principal};
use mercato_actors::{OrderId, PaymentNotice, RecordPaymentNotice};

use super::ShopScene;
use crate::lives::Stage;

/// How often the postman looks for letters.
const ROUND: Duration = Duration::from_secs(2);

/// What a gateway tells of an order's payment, as the shop takes it.
pub(super) fn letter(order: OrderId, notice: PaymentNotice) -> RecordPaymentNotice {
    RecordPaymentNotice { order, notice }
}

/// Delivers what is due, round after round, until it is dropped.
pub(super) async fn walk(scene: &ShopScene, stage: &Stage) {
    let mut delivered = BTreeSet::new();
    loop {
        round(scene, stage, &mut delivered, stage.now()).await;
        tokio::time::sleep(ROUND).await;
    }
}

/// Delivers all that is left.
pub(super) async fn deliver(scene: &ShopScene, stage: &Stage) {
    round(scene, stage, &mut BTreeSet::new(), Duration::MAX).await;
}

async fn round(
    scene: &ShopScene,
    stage: &Stage,
    delivered: &mut BTreeSet<usize>,
    due_by: Duration,
) {
    let letters = scene.memory.remembered().notices.clone();
    for (number, (due, letter)) in letters.into_iter().enumerate() {
        if due > due_by || !delivered.insert(number) {
            continue;
        }
        let caller = Caller::new(Principal::System).within(Duration::from_secs(10));
        let key = format!("notice/{number}");
        let told = stage.ask(&key, &caller, letter).await;
        // An order may refuse what it does not know; it may not fail.
        let served = !matches!(told, Err(AskError::Failed(_)));
        stage.must("a gateway's notice is taken or refused", served, || {
            format!("{key}: {told:?}")
        });
    }
}
