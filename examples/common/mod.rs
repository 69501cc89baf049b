//! The shop that the examples of workflows run in: three products, and ports inside the process.
#![allow(unreachable_pub, reason = "each example is a crate of its own")]

use std::error::Error;
use std::sync::Arc;

use mercato::actors::*;
use mercato::persistence::{JournalOptions, RedbJournal, WriterPlace};
use mercato::{Caller, Runtime, RuntimeBuilder};

pub type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Opens the shop with whatever an example adds, and puts two units of each product on the shelf.
pub async fn open(with: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Done<Runtime> {
    let product = |sku: &str, pence| -> Done<Product> {
        Ok(Product {
            sku: Sku::new(sku)?,
            name: sku.into(),
            description: format!("a {sku}").into(),
            category: "kitchen".into(),
            base_price: Money::new(pence, Currency::GBP),
            cost: Money::new(pence / 2, Currency::GBP),
        })
    };
    let products = [
        product("mug", 450)?,
        product("pot", 900)?,
        product("box", 100)?,
    ];
    let ports = Ports {
        payments: Arc::new(InProcessPayments::new(LedgerOptions::default())),
        carrier: Arc::new(InProcessCarrier::new(LedgerOptions::default())),
        mail: Arc::new(InProcessMail::new(LedgerOptions::default())),
        messengers: Messengers::in_process(),
        procurement: Arc::new(InProcessProcurement::new(
            SupplierHabits::default(),
            LedgerOptions::default(),
        )),
        competitors: Arc::new(InProcessCompetitors::new()),
    };
    let journal = RedbJournal::in_memory(JournalOptions::default(), WriterPlace::Thread)?;
    let shop = Shop::new(Arc::new(Catalogue::new(products)?));
    let builder = shop.open(Runtime::builder(Arc::new(journal)), &ports);
    let runtime = with(builder).start().await?;
    for sku in ["mug", "pot", "box"] {
        let delivered = ReceiveStock {
            sku: Sku::new(sku)?,
            quantity: Quantity::new(2)?,
        };
        runtime.handle().ask(&Caller::system(), delivered).await?;
    }
    Ok(runtime)
}

/// How many of a product can be promised.
pub async fn available(runtime: &Runtime, sku: &str) -> Done<u64> {
    let check = CheckStock {
        sku: Sku::new(sku)?,
    };
    Ok(runtime
        .handle()
        .ask(&Caller::system(), check)
        .await?
        .available)
}
