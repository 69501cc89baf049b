//! Prices for a flow: all of them asked for at once.

use futures::future::join_all;
use mercato_runtime::{AskError, Flow};

use crate::domain::{HeldPrice, Sku};
use crate::pricing::{PricingRejection, Quote, QuotePrice, Segment};

/// Quotes products, honouring the prices that are held. In the order in which they were asked for.
pub(super) async fn quote_all<'a>(
    flow: &Flow,
    segment: Segment,
    products: impl IntoIterator<Item = (&'a Sku, Option<HeldPrice>)>,
) -> Result<Vec<Quote>, AskError<PricingRejection>> {
    let asked = products.into_iter().map(|(sku, held)| async move {
        let quote = QuotePrice {
            sku: sku.clone(),
            segment,
            held,
        };
        flow.ask(&format!("quote/{sku}"), quote).await
    });
    join_all(asked).await.into_iter().collect()
}
