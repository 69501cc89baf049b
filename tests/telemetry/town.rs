//! A shop in virtual time.

use std::sync::Arc;

use mercato::actors::*;
use mercato::persistence::Journal;
use mercato::{Alarms, CachesSettings, RuntimeBuilder};

use crate::support::{memory, virtual_runtime};

pub(crate) fn sku() -> Sku {
    Sku::new("tea").expect("a sku")
}

/// A shop with caches and alarms, whose payments sometimes fail, and whose desk is watched.
pub(crate) fn shop(desk: &DeskWatch) -> RuntimeBuilder {
    shop_over(memory(), desk)
}

/// The same over this journal.
pub(crate) fn shop_over(journal: Arc<dyn Journal>, desk: &DeskWatch) -> RuntimeBuilder {
    let catalogue = Catalogue::new([Product {
        sku: sku(),
        name: "tea".into(),
        description: "to drink".into(),
        category: "drinks".into(),
        base_price: Money::new(1_000, Currency::GBP),
        cost: Money::new(400, Currency::GBP),
    }]);
    let ports = Ports {
        payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
        carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
        mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
        messengers: Messengers::in_process(),
        competitors: Arc::new(InProcessCompetitors::new()),
        procurement: Arc::new(InProcessProcurement::new(
            SupplierHabits::default(),
            LedgerOptions::default(),
        )),
    };
    let builder = virtual_runtime(journal)
        .metrics(desk.metrics())
        .caches(CachesSettings::default())
        .alarms(Alarms::default());
    Shop::new(Arc::new(catalogue.expect("a catalogue"))).open(builder, &ports)
}
