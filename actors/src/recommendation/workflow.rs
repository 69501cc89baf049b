//! SPEC's recommendation workflow, box by box.
//!
//! Taste and candidates come from this agent; stock and price are asked for at serve time, in
//! parallel, so that nothing is shown that cannot be bought or costs something else.

use futures::future::{join, join_all, join3};
use mercato_runtime::{AskError, AskFailure, Rejection, Scope};
use serde::{Deserialize, Serialize};

use super::candidates::{Candidate, CandidateContext, Candidates, Rung, Showcase};
use super::click_commands::{LogExposure, NextProduct, NextProducts};
use super::clicks::Visitor;
use super::commands::RecommendationRejection;
use super::events::ShownProduct;
use super::rank::{Ranked, choose, rank};
use super::reads::{GenerateCandidates, NewProduct, PopularProducts, ShopperTaste};
use super::rules::{BusinessRules, Placement, ShelfItem};
use super::taste::Taste;
use crate::domain::{CustomerId, Jurisdiction, Money, SessionId, Sku};
use crate::inventory::CheckStock;
use crate::pricing::{QuotePrice, Segment};

/// A shopper's request for something to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrowseRequest {
    /// Who browses, where that is known.
    pub shopper: Option<CustomerId>,
    /// The products of this session, newest first. The newest 32 count.
    pub session: Vec<Sku>,
    /// From where and on what the shopper browses.
    #[serde(default)]
    pub situation: Situation,
    /// What the products are for.
    #[serde(default)]
    pub shelf: Showcase,
    /// How many products are wanted: 1 to [`LIMIT_MAX`](Self::LIMIT_MAX).
    pub limit: usize,
}

impl BrowseRequest {
    /// The most products that one answer holds.
    pub const LIMIT_MAX: usize = 20;
}

/// From where and on what somebody browses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// The visit, where its clicks are learned under a name of its own ([`Visitor::Visit`]).
    pub visit: Option<SessionId>,
    /// On what.
    pub device: Device,
    /// Where the shopper is, or where goods would go: what may not be sold there is not shown.
    pub place: Option<Jurisdiction>,
}

/// What somebody browses on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// A large screen.
    #[default]
    Desktop,
    /// A small one, which shows [`BusinessRules::phone_places_max`] products at most.
    Phone,
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
    let (taste, next) = join(
        query_preferences(scope, &context),
        predict_next(scope, &context),
    )
    .await;
    let taste = taste?;
    let history = analyse_browsing_history(&context, &taste, next);
    let Candidates {
        mut products,
        new,
        rules,
    } = generate_candidates(scope, history).await?;
    products.extend(new);
    let about = context.about();
    let (stock, prices, price_of_about) = join3(
        check_inventory_availability(scope, &products),
        get_dynamic_pricing(scope, products.iter().map(|product| &product.sku)),
        get_dynamic_pricing(scope, about),
    )
    .await;
    let mut shelf = put_on_shelf(products, stock, prices)?;
    if context.shelf == Showcase::UpSell {
        let price = price_of_about.into_iter().flatten().next();
        rules.keep_dearer(&mut shelf, price);
    }
    let placed = apply_business_rules(&rules, shelf, &taste, &context, scope);
    let ranked = rank_recommendations(placed, &taste);
    let chosen = choose(ranked, context.places(&rules), &rules, context.shelf);
    let results = return_personalised_results(chosen);
    log_exposure(scope, &context, &results).await;
    Ok(results)
}

/// What a request tells before anything is looked up.
struct UserContext {
    shopper: Option<CustomerId>,
    session: Vec<Sku>,
    situation: Situation,
    shelf: Showcase,
    limit: usize,
}

impl UserContext {
    /// The product that the shelf is about, where its price matters.
    fn about(&self) -> Option<&Sku> {
        let newest = self.session.first();
        newest.filter(|_| self.shelf == Showcase::UpSell)
    }

    /// How many products there is room for.
    fn places(&self, rules: &BusinessRules) -> usize {
        match self.situation.device {
            Device::Desktop => self.limit,
            Device::Phone => self.limit.min(rules.phone_places_max.get()),
        }
    }
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
        situation: request.situation,
        shelf: request.shelf,
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

/// What others clicked next. It is one source of several, so a request does without it where it
/// cannot be had.
async fn predict_next(scope: &Scope, context: &UserContext) -> Vec<NextProduct> {
    if context.session.is_empty() {
        return Vec::new();
    }
    let shopper = context.shopper.clone().map(Visitor::Shopper);
    let next = NextProducts {
        visitor: context
            .situation
            .visit
            .clone()
            .map(Visitor::Visit)
            .or(shopper),
        session: context.session.clone(),
        wanted: CandidateContext::WANTED_MAX,
    };
    scope.ask(next).await.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "recommending without what is clicked next");
        Vec::new()
    })
}

fn analyse_browsing_history(
    context: &UserContext,
    taste: &Taste,
    next: Vec<NextProduct>,
) -> CandidateContext {
    let earlier = taste
        .views
        .iter()
        .filter(|sku| !context.session.contains(sku));
    CandidateContext {
        session: context.session.clone(),
        viewed: earlier.cloned().collect(),
        bought: (taste.purchases.iter().map(|purchase| purchase.sku.clone())).collect(),
        next,
        shelf: context.shelf,
        wanted: context.limit * CANDIDATES_PER_ITEM,
    }
}

/// Where nothing is known of whoever asks, and where the model cannot be asked, there is what is the
/// same for everybody: from the cache if need be, and then on a rung of its own.
async fn generate_candidates(
    scope: &Scope,
    context: CandidateContext,
) -> Result<Candidates, RecommendError> {
    let wanted = context.wanted;
    let (session, shelf) = (context.session.clone(), context.shelf);
    let is_stranger = session.is_empty()
        && context.viewed.is_empty()
        && context.bought.is_empty()
        && shelf == Showcase::ForYou;
    if !is_stranger {
        match scope.ask(GenerateCandidates { context }).await {
            Err(AskError::Failed(failure)) => {
                tracing::warn!(%failure, "recommending what is popular");
            }
            answered => return Ok(answered?),
        }
    }
    let popular = scope.ask_shared(PopularProducts { wanted }).await?;
    let is_stale = popular.is_stale();
    let mut candidates = popular.into_value();
    if is_stale {
        for candidate in &mut candidates.products {
            candidate.rung = Rung::Cached;
        }
    }
    if !is_stranger {
        keep_on_shelf(&mut candidates, &session, shelf);
    } else if !is_stale {
        candidates.new = find_new(scope, &candidates.products).await;
    }
    Ok(candidates)
}

/// Leaves of what everybody is shown what may stand on this shelf in this visit. The category of what
/// the shelf is about is known where that is popular too; where it is not, nothing is known that could
/// be had in its place.
fn keep_on_shelf(candidates: &mut Candidates, session: &[Sku], shelf: Showcase) {
    let newest = session.first();
    let about = newest.filter(|_| shelf != Showcase::ForYou);
    let mut products = candidates.products.iter();
    let known = products.find(|one| Some(&one.sku) == about);
    let category = known.map(|one| one.category.clone());
    let repeats_visit = candidates.rules.repeats_visit;
    candidates.products.retain(|one| {
        let is_about = Some(&one.sku) == about;
        let is_seen = is_about || (!repeats_visit && session.contains(&one.sku));
        let is_alike = category.as_ref() == Some(&one.category);
        let fits = match (about, shelf) {
            (None, _) | (_, Showcase::ForYou) => true,
            (_, Showcase::CrossSell) => !is_alike,
            (_, Showcase::Substitutes | Showcase::UpSell) => is_alike,
        };
        fits && !is_seen
    });
}

/// A new product is tried out beside what a stranger is shown. It is missed by nobody where the
/// agent cannot be asked for one.
async fn find_new(scope: &Scope, beside: &[Candidate]) -> Option<Candidate> {
    let beside = beside.iter().map(|candidate| candidate.sku.clone());
    let new = NewProduct {
        beside: beside.collect(),
    };
    scope.ask(new).await.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "recommending without a new product");
        None
    })
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

/// The price of one unit of each product, in their order.
async fn get_dynamic_pricing<'a>(
    scope: &Scope,
    skus: impl IntoIterator<Item = &'a Sku>,
) -> Vec<Result<Money, AskError<Rejection<QuotePrice>>>> {
    join_all(skus.into_iter().map(async |sku| {
        let quote = QuotePrice {
            sku: sku.clone(),
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
    context: &UserContext,
    scope: &Scope,
) -> Vec<(Placement, ShelfItem)> {
    rules.apply(shelf, taste, context.situation.place, scope.now())
}

fn rank_recommendations(placed: Vec<(Placement, ShelfItem)>, taste: &Taste) -> Vec<Ranked> {
    rank(placed, taste)
}

/// What was shown is what is learned from. A request is answered also where that cannot be noted.
async fn log_exposure(scope: &Scope, context: &UserContext, results: &Recommendations) {
    let is_cached = results.items.iter().any(|item| item.rung == Rung::Cached);
    // Where the agent cannot be asked, it cannot be told either.
    if results.items.is_empty() || is_cached {
        return;
    }
    let products = results.items.iter().map(|item| ShownProduct {
        sku: item.sku.clone(),
        rung: item.rung,
    });
    let exposure = LogExposure {
        shopper: context.shopper.clone(),
        shelf: context.shelf,
        products: products.collect(),
    };
    if let Err(failure) = scope.ask(exposure).await {
        tracing::warn!(%failure, "what was shown is not noted");
    }
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
