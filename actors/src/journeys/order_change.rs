//! "Can I change my order?": a request that finds out how, answered at once and recorded nowhere.
//! What the customer then chooses is done by [`ORDER_CHANGE`](super::revise::ORDER_CHANGE).

use futures::future::{join_all, try_join_all};
use futures::try_join;
use mercato_runtime::{AskFailure, FlowError, Scope};

use crate::domain::{Money, MoneyError, OrderId, Product, Quantity, Sku};
use crate::inventory::CheckStock;
use crate::order::{CheckModificationEligibility, Eligibility, OrderAgent, OrderPhase, PricedLine};
use crate::pricing::{QuoteLine, Segment};

/// The most products that are offered instead of one.
const ALTERNATIVES_MAX: usize = 3;
/// How many products of a shelf are looked at for them.
const LOOKED_AT_MAX: usize = 12;

/// How an order can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModificationOptions {
    /// Its address can be changed with [`ChangeOrder`](crate::ChangeOrder), single lines cancelled
    /// with [`CancelLine`](crate::CancelLine), and what it holds with
    /// [`ORDER_CHANGE`](crate::ORDER_CHANGE), under these conditions.
    Changeable {
        /// Which version of the order this is about.
        revision: u32,
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
    /// What one unit costs now, on the order's terms and for as many as are ordered, less what it cost
    /// when ordered. Fewer units keep the price that they
    /// were ordered at; a line that is raised has the one of now.
    pub unit_difference: Money,
    /// What could be had instead, from the same shelf.
    pub alternatives: Vec<Alternative>,
}

/// A product that could be had instead of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The product.
    pub sku: Sku,
    /// How many could be had, in units.
    pub available: u64,
    /// What one unit costs now, on the order's terms and for as many as are ordered, less what the
    /// ordered one cost when ordered.
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
    let (revision, priced, segment) = match eligibility.map_err(FlowError::from)? {
        Eligibility::NotEligible { phase } => return Ok(ModificationOptions::TooLate { phase }),
        Eligibility::Eligible {
            revision,
            priced,
            segment,
        } => (revision, priced, segment),
    };
    let ordered: Vec<&Sku> = priced.lines.iter().map(|line| &line.sku).collect();
    let asked = priced.lines.iter();
    let asked = asked.map(|line| line_option(scope, line, segment, &ordered));
    let lines = join_all(asked)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ModificationOptions::Changeable { revision, lines })
}

async fn line_option(
    scope: &Scope,
    line: &PricedLine,
    segment: Segment,
    ordered: &[&Sku],
) -> Result<LineOption, OrderChangeError> {
    let (available, unit_difference, alternatives) = try_join!(
        check_inventory(scope, &line.sku),
        price_difference(scope, line, segment, &line.sku),
        available_alternatives(scope, line, segment, ordered)
    )?;
    Ok(LineOption {
        sku: line.sku.clone(),
        ordered: line.quantity,
        available,
        unit_difference,
        alternatives,
    })
}

async fn check_inventory(scope: &Scope, sku: &Sku) -> Result<u64, OrderChangeError> {
    let sku = sku.clone();
    let levels = scope.ask(CheckStock { sku }).await;
    Ok(levels.map_err(FlowError::from)?.available)
}

/// Products of the same shelf that are in stock and not in the order, those nearest in price first.
async fn available_alternatives(
    scope: &Scope,
    line: &PricedLine,
    segment: Segment,
    ordered: &[&Sku],
) -> Result<Vec<Alternative>, OrderChangeError> {
    let agent = scope.agent::<OrderAgent>()?;
    let catalogue = agent.catalogue();
    let Some(product) = catalogue.get(&line.sku) else {
        return Ok(Vec::new());
    };
    let mut shelf: Vec<&Product> = catalogue
        .iter()
        .filter(|other| other.category == product.category && !ordered.contains(&&other.sku))
        .collect();
    let distance = |other: &Product| {
        let (one, other) = (other.base_price.minor(), product.base_price.minor());
        one.abs_diff(other)
    };
    shelf.sort_by_key(|other| distance(other));
    shelf.truncate(LOOKED_AT_MAX);
    let stock = shelf.iter().map(|other| check_inventory(scope, &other.sku));
    let stock = try_join_all(stock).await?;
    let in_stock = shelf
        .iter()
        .zip(stock)
        .filter(|(_, available)| *available > 0);
    let offered = in_stock
        .take(ALTERNATIVES_MAX)
        .map(async |(other, available)| {
            Ok::<_, OrderChangeError>(Alternative {
                sku: other.sku.clone(),
                available,
                unit_difference: price_difference(scope, line, segment, &other.sku).await?,
            })
        });
    try_join_all(offered).await
}

/// What one unit of a product would cost the customer, on the terms that the order has and for as many as
/// the line has, less what one of the line cost: the price that a change to it is made at.
async fn price_difference(
    scope: &Scope,
    line: &PricedLine,
    segment: Segment,
    sku: &Sku,
) -> Result<Money, OrderChangeError> {
    let quote = QuoteLine::new(sku.clone(), line.quantity, segment);
    let now = scope.ask(quote).await.map_err(FlowError::from)?;
    Ok(now.quote.unit.minus(line.unit)?)
}
