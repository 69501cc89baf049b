//! "Can I change my order?": a request, answered at once and recorded nowhere.

use futures::future::join_all;
use futures::try_join;
use mercato_runtime::{AskFailure, FlowError, Scope};

use crate::domain::{Money, MoneyError, OrderId, Quantity, Sku};
use crate::inventory::CheckStock;
use crate::order::{CheckModificationEligibility, Eligibility, OrderPhase, PricedLine};
use crate::pricing::{QuotePrice, Segment};

/// How an order can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModificationOptions {
    /// Its address can be changed with [`ChangeOrder`](crate::ChangeOrder). Other quantities are
    /// ordered anew, after cancelling, under these conditions.
    Changeable {
        /// Line by line.
        lines: Vec<LineOption>,
    },
    /// It can no longer be changed.
    TooLate {
        /// Where it stands.
        phase: OrderPhase,
    },
}

/// What a line could become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineOption {
    /// The product.
    pub sku: Sku,
    /// How many are ordered.
    pub ordered: Quantity,
    /// How many more could be had, in units.
    pub available: u64,
    /// What one unit costs now less what it cost when ordered, before tax.
    pub unit_difference: Money,
}

/// Why the options are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderChangeError {
    /// An agent refused, or could not be asked. A stranger's order is refused as a missing one is.
    #[error(transparent)]
    Step(#[from] FlowError),
    /// A price difference cannot be calculated.
    #[error("price difference cannot be calculated: {0}")]
    Money(#[from] MoneyError),
}

impl From<AskFailure> for OrderChangeError {
    fn from(failure: AskFailure) -> Self {
        Self::Step(failure.into())
    }
}

/// Finds out how an order can be changed: eligibility, available alternatives, price differences.
///
/// # Errors
/// When the asker may not see the order, or an agent could not be asked.
pub async fn modification_options(
    scope: &Scope,
    order: OrderId,
) -> Result<ModificationOptions, OrderChangeError> {
    let eligibility = scope.ask(CheckModificationEligibility { order }).await;
    let priced = match eligibility.map_err(FlowError::from)? {
        Eligibility::NotEligible { phase } => return Ok(ModificationOptions::TooLate { phase }),
        Eligibility::Eligible { priced } => priced,
    };
    let asked = priced.lines.iter().map(|line| line_option(scope, line));
    let lines = join_all(asked)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ModificationOptions::Changeable { lines })
}

async fn line_option(scope: &Scope, line: &PricedLine) -> Result<LineOption, OrderChangeError> {
    let sku = line.quote.sku.clone();
    let (available, unit_difference) = try_join!(
        available_alternatives(scope, &sku),
        price_difference(scope, line)
    )?;
    Ok(LineOption {
        sku,
        ordered: line.quantity,
        available,
        unit_difference,
    })
}

async fn available_alternatives(scope: &Scope, sku: &Sku) -> Result<u64, OrderChangeError> {
    let sku = sku.clone();
    let levels = scope.ask(CheckStock { sku }).await;
    Ok(levels.map_err(FlowError::from)?.available)
}

async fn price_difference(scope: &Scope, line: &PricedLine) -> Result<Money, OrderChangeError> {
    let quote = QuotePrice {
        sku: line.quote.sku.clone(),
        segment: Segment::Standard,
        held: None,
    };
    let now = scope.ask(quote).await.map_err(FlowError::from)?;
    Ok(now.unit.minus(line.quote.unit)?)
}
