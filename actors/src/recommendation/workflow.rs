//! SPEC's recommendation workflow, box by box.
//!
//! Taste and candidates come from this agent; stock and price are asked for at serve time, in
//! parallel, so that nothing is shown that cannot be bought or costs something else.

use futures::future::{join, join_all};
use mercato_runtime::{AskError, AskFailure, Rejection, Scope};
use serde::{Deserialize, Serialize};

use super::candidates::{Candidate, CandidateContext, Candidates, Rung};
use super::commands::RecommendationRejection;
use super::rank::{Ranked, filter_by_relevance, rank};
use super::reads::{GenerateCandidates, ShopperTaste};
use super::rules::{BusinessRules, Placement, ShelfItem};
use super::taste::Taste;
use crate::domain::{CustomerId, Money, Sku};
use crate::inventory::CheckStock;
use crate::pricing::{QuotePrice, Segment};

/// A shopper's request for something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrowseRequest {
    /// Who browses, where that is known.
    pub shopper: Option<CustomerId>,
    /// The products of this session, newest first. The newest 32 count.
    pub session: Vec<Sku>,
    /// How many products are wanted: 1 to [`LIMIT_MAX`](Self::LIMIT_MAX).
    pub limit: usize,
}

impl BrowseRequest {
    /// The most products that one answer holds.
    pub const LIMIT_MAX: usize = 20;
}

/// Products for a shopper, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendations {
    /// Each product once. Empty when nothing that fits can be sold now.
    pub items: Vec<Recommendation>,
}

impl Recommendations {
    /// The strongest rung that the answer stands on; `None` when it is empty.
    #[must_use]
    pub fn rung(&self) -> Option<Rung> {
        self.items.iter().map(|item| item.rung).min()
    }
}

/// A product for a shopper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Which.
    pub sku: Sku,
    /// Its category.
    pub category: Box<str>,
    /// The price of one unit at this moment, before tax.
    pub price: Money,
    /// Units that could be promised at this moment.
    pub available: u64,
    /// The rung that it comes from.
    pub rung: Rung,
    /// How well it fits, above 0 and at most 1.25.
    pub score: f64,
}

/// Why there are no recommendations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecommendError {
    /// None or too many are wanted.
    #[error("1 to {} recommendations can be asked for", BrowseRequest::LIMIT_MAX)]
    Limit,
    /// The agent refused.
    #[error(transparent)]
    Refused(RecommendationRejection),
    /// An agent could not be asked.
    #[error("recommendations cannot be made now: {0}")]
    Unavailable(#[from] AskFailure),
}

impl From<AskError<RecommendationRejection>> for RecommendError {
    fn from(error: AskError<RecommendationRejection>) -> Self {
        match error {
            AskError::Rejected(rejection) => Self::Refused(rejection),
            AskError::Failed(failure) => Self::Unavailable(failure),
            // The enum may grow; what is no refusal is a failure to be served.
            other => Self::Unavailable(AskFailure::Invalid {
                reason: other.to_string(),
            }),
        }
    }
}

/// The part of a session that counts.
const SESSION_MAX: usize = 32;
/// Candidates for each product wanted: some are sold out, some too much alike.
const CANDIDATES_PER_ITEM: usize = 3;

/// Answers a browse request.
///
/// # Errors
/// When the request is out of bounds, asks for another shopper's taste, or agents cannot be asked.
pub async fn recommend(
    scope: &Scope,
    request: BrowseRequest,
) -> Result<Recommendations, RecommendError> {
    let context = extract_user_context(request)?;
    let taste = query_preferences(scope, &context).await?;
    let history = analyse_browsing_history(&context, &taste);
    let Candidates { products, rules } = generate_candidates(scope, history).await?;
    let (stock, prices) = join(
        check_inventory_availability(scope, &products),
        get_dynamic_pricing(scope, &products),
    )
    .await;
    let shelf = put_on_shelf(products, stock, prices)?;
    let placed = apply_business_rules(&rules, shelf, &taste, scope);
    let ranked = rank_recommendations(placed, &taste);
    let chosen = filter_by_relevance(ranked, context.limit, rules.per_category_max);
    Ok(return_personalised_results(chosen))
}

/// What a request tells before anything is looked up.
struct UserContext {
    shopper: Option<CustomerId>,
    session: Vec<Sku>,
    limit: usize,
}

fn extract_user_context(request: BrowseRequest) -> Result<UserContext, RecommendError> {
    if request.limit == 0 || request.limit > BrowseRequest::LIMIT_MAX {
        return Err(RecommendError::Limit);
    }
    let mut session = request.session;
    session.truncate(SESSION_MAX);
    Ok(UserContext {
        shopper: request.shopper,
        session,
        limit: request.limit,
    })
}

/// A taste that cannot be had now is no reason to show nothing: the ladder starts a rung lower.
async fn query_preferences(scope: &Scope, context: &UserContext) -> Result<Taste, RecommendError> {
    let Some(shopper) = context.shopper.clone() else {
        return Ok(Taste::unknown());
    };
    match scope.ask(ShopperTaste { shopper }).await {
        Ok(taste) => Ok(taste),
        Err(AskError::Rejected(rejection)) => Err(RecommendError::Refused(rejection)),
        Err(failure) => {
            tracing::warn!(%failure, "recommending without the shopper's taste");
            Ok(Taste::unknown())
        }
    }
}

fn analyse_browsing_history(context: &UserContext, taste: &Taste) -> CandidateContext {
    let earlier = taste
        .views
        .iter()
        .filter(|sku| !context.session.contains(sku));
    CandidateContext {
        session: context.session.clone(),
        viewed: earlier.cloned().collect(),
        bought: (taste.purchases.iter().map(|purchase| purchase.sku.clone())).collect(),
        wanted: context.limit * CANDIDATES_PER_ITEM,
    }
}

async fn generate_candidates(
    scope: &Scope,
    context: CandidateContext,
) -> Result<Candidates, RecommendError> {
    Ok(scope.ask(GenerateCandidates { context }).await?)
}

/// The units of each candidate that can be promised, in the candidates' order. What a page shows may
/// come from the cache: the checkout reserves, and asks for the price anew.
async fn check_inventory_availability(
    scope: &Scope,
    candidates: &[Candidate],
) -> Vec<Result<u64, AskError<Rejection<CheckStock>>>> {
    join_all(candidates.iter().map(async |candidate| {
        let sku = candidate.sku.clone();
        let levels = scope.ask_shared(CheckStock { sku }).await?;
        Ok(levels.into_value().available)
    }))
    .await
}

/// The price of one unit of each candidate, in the candidates' order.
async fn get_dynamic_pricing(
    scope: &Scope,
    candidates: &[Candidate],
) -> Vec<Result<Money, AskError<Rejection<QuotePrice>>>> {
    join_all(candidates.iter().map(async |candidate| {
        let quote = QuotePrice {
            sku: candidate.sku.clone(),
            segment: Segment::Standard,
            held: None,
        };
        Ok(scope.ask_shared(quote).await?.into_value().unit)
    }))
    .await
}

/// A product whose stock or price cannot be had is left out. Only where that is so for all of them
/// is the request not served.
fn put_on_shelf(
    candidates: Vec<Candidate>,
    stock: Vec<Result<u64, AskError<Rejection<CheckStock>>>>,
    prices: Vec<Result<Money, AskError<Rejection<QuotePrice>>>>,
) -> Result<Vec<ShelfItem>, RecommendError> {
    let mut shelf = Vec::with_capacity(candidates.len());
    let mut failed = None;
    for ((candidate, available), price) in candidates.into_iter().zip(stock).zip(prices) {
        match (available, price) {
            (Ok(available), Ok(price)) => shelf.push(ShelfItem {
                candidate,
                available,
                price,
            }),
            (stock, price) => {
                let stock = stock.err().and_then(|error| error.failure().cloned());
                let price = price.err().and_then(|error| error.failure().cloned());
                failed = failed.or(stock).or(price);
            }
        }
    }
    match failed {
        Some(failure) if shelf.is_empty() => Err(RecommendError::Unavailable(failure)),
        _ => Ok(shelf),
    }
}

fn apply_business_rules(
    rules: &BusinessRules,
    shelf: Vec<ShelfItem>,
    taste: &Taste,
    scope: &Scope,
) -> Vec<(Placement, ShelfItem)> {
    rules.apply(shelf, taste, scope.now())
}

fn rank_recommendations(placed: Vec<(Placement, ShelfItem)>, taste: &Taste) -> Vec<Ranked> {
    rank(placed, taste)
}

fn return_personalised_results(chosen: Vec<Ranked>) -> Recommendations {
    let items = chosen
        .into_iter()
        .map(|Ranked { score, item, .. }| Recommendation {
            sku: item.candidate.sku,
            category: item.candidate.category,
            price: item.price,
            available: item.available,
            rung: item.candidate.rung,
            score,
        });
    Recommendations {
        items: items.collect(),
    }
}
