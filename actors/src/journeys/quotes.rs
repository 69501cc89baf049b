//! Prices for a flow: all of them asked for at once.

use futures::future::join_all;
use mercato_runtime::{AskError, Flow};

use crate::order::OrderLine;
use crate::pricing::{LineQuote, PricingRejection, QuoteLine, Segment};

/// Quotes lines, each for as many units as it has. In the order in which they were asked for.
pub(super) async fn quote_all<'a>(
    flow: &Flow,
    segment: Segment,
    lines: impl IntoIterator<Item = &'a OrderLine>,
) -> Result<Vec<LineQuote>, AskError<PricingRejection>> {
    let asked = lines.into_iter().map(|line| async move {
        let quote = QuoteLine::new(line.sku.clone(), line.quantity, segment);
        flow.ask(&format!("quote/{}", line.sku), quote).await
    });
    join_all(asked).await.into_iter().collect()
}
