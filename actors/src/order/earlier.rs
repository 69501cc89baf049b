//! What events looked like in earlier versions, and what becomes of them. None of this ever changes
//! again, so what was shared with other rooms is kept here as it was.

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::{LabelRecorded, OrderPriced, PaymentCaptured, RefundRecorded};
use super::tax::PriceTerms;
use super::totals::{PricedLine, PricedOrder};
use crate::domain::{BasisPoints, Money, Quantity, Sku};
use crate::ports::TrackingNumber;

/// [`OrderPriced`] when lines held their whole quotes, and an order had one rate of tax.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OrderPricedV1 {
    priced: PricedOrderV1,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PricedOrderV1 {
    lines: Vec<PricedLineV1>,
    discount: Money,
    shipping: Money,
    shipping_tax: Money,
    tax: Money,
    total: Money,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PricedLineV1 {
    quote: QuoteV1,
    quantity: Quantity,
    discount: Money,
    net: Money,
    tax: Money,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct QuoteV1 {
    sku: Sku,
    unit: Money,
    revision: u64,
    quoted_at: Timestamp,
    valid_until: Timestamp,
    trace: Vec<TraceEntryV1>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TraceEntryV1 {
    step: PriceStepV1,
    unit: Money,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum PriceStepV1 {
    BasePrice,
    BusinessRules,
    Strategy,
    Competitor,
    Promotion,
    Floor,
    Ceiling,
}

impl From<OrderPricedV1> for OrderPriced {
    fn from(old: OrderPricedV1) -> Self {
        let PricedOrderV1 {
            lines,
            discount,
            shipping,
            shipping_tax,
            tax,
            total,
        } = old.priced;
        let lines = lines.into_iter().map(|line| PricedLine {
            sku: line.quote.sku,
            quantity: line.quantity,
            unit: line.quote.unit,
            price_revision: line.quote.revision,
            quoted_at: line.quote.quoted_at,
            coupon: Money::zero(line.net.currency()),
            discount: line.discount,
            net: line.net,
            tax_rate: rate(line.net, line.tax),
            tax: line.tax,
        });
        Self {
            priced: PricedOrder {
                lines: lines.collect(),
                terms: PriceTerms::BeforeTax,
                discount,
                shipping,
                shipping_tax,
                tax,
                total,
            },
        }
    }
}

/// The rate was not kept; this is it, as closely as the rounded tax tells.
fn rate(net: Money, tax: Money) -> BasisPoints {
    let whole = i128::from(BasisPoints::WHOLE.get());
    let points = i128::from(tax.minor()) * whole / i128::from(net.minor().max(1));
    BasisPoints::new(i32::try_from(points).unwrap_or_default())
}

/// [`LabelRecorded`] when an order was one parcel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LabelRecordedV1 {
    tracking: TrackingNumber,
}

impl From<LabelRecordedV1> for LabelRecorded {
    fn from(old: LabelRecordedV1) -> Self {
        Self {
            parcel: 1,
            contents: Vec::new(),
            tracking: old.tracking,
        }
    }
}

/// [`PaymentCaptured`] when an order had one payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PaymentCapturedV1 {
    amount: Money,
}

impl From<PaymentCapturedV1> for PaymentCaptured {
    fn from(old: PaymentCapturedV1) -> Self {
        Self {
            amount: old.amount,
            parts: Vec::new(),
        }
    }
}

/// [`RefundRecorded`] when an order had one payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RefundRecordedV1 {
    amount: Money,
}

impl From<RefundRecordedV1> for RefundRecorded {
    fn from(old: RefundRecordedV1) -> Self {
        Self {
            amount: old.amount,
            parts: Vec::new(),
        }
    }
}
