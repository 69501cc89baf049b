//! What the Recommendation agent is asked.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mercato_runtime::{Command, Context, Decided, Decision, Principal, State};
use serde::{Deserialize, Serialize};

use super::RecommendationAgent;
use super::candidates::CandidateContext;
use super::events::{
    BasketLearned, BoughtProduct, ProductRestored, ProductSuppressed, ProductViewed, ProductsBought,
};
use super::model::Model;
use crate::domain::{CustomerId, OrderId, Sku};

/// The key of the one entity that knows what is bought together.
pub(super) const MODEL: &str = "model";
/// The longest reason for a suppression, in bytes.
const REASON_BYTES_MAX: usize = 200;

/// Why the Recommendation agent refused a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RecommendationRejection {
    /// The catalogue has no such product.
    #[error("sku {0} is not in the catalogue; use one that the shop sells")]
    UnknownProduct(Sku),
    /// One shopper asked about another.
    #[error("this history belongs to another shopper; ask for your own")]
    NotYours,
    /// Too many products are suppressed.
    #[error(
        "{} products are suppressed already; restore some first",
        Model::SUPPRESSED_MAX
    )]
    TooManySuppressed,
    /// The reason is too long.
    #[error("the reason is longer than {REASON_BYTES_MAX} bytes; shorten it")]
    ReasonTooLong,
    /// More candidates were asked for than are ever made.
    #[error(
        "at most {} candidates can be asked for; lower the number",
        CandidateContext::WANTED_MAX
    )]
    TooManyWanted,
    /// What all shoppers are shown is for the shop to say.
    #[error("only the shop's own people may do this; ask them")]
    NotStaff,
}

/// What only the shop's own people and programs may do.
fn staff(principal: &Principal) -> Result<(), RecommendationRejection> {
    match principal.as_user() {
        Some(_) => Err(RecommendationRejection::NotStaff),
        None => Ok(()),
    }
}

pub(super) fn shopper_key(shopper: &CustomerId) -> Cow<'static, str> {
    Cow::Owned(format!("shopper/{shopper}"))
}

pub(super) fn shopper_of(key: &str) -> Option<CustomerId> {
    CustomerId::new(key.strip_prefix("shopper/")?).ok()
}

/// The shop's own people and programs may; a shopper only in their own name.
pub(super) fn own(
    shopper: &CustomerId,
    principal: &Principal,
) -> Result<(), RecommendationRejection> {
    match principal.as_user() {
        Some(asking) if asking != shopper.as_str() => Err(RecommendationRejection::NotYours),
        _ => Ok(()),
    }
}

/// Notes that a shopper looked at a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// Who looked.
    pub shopper: CustomerId,
    /// At what.
    pub sku: Sku,
}

impl Command for RecordView {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "RecordView";

    fn entity(&self) -> Cow<'_, str> {
        shopper_key(&self.shopper)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        _: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.shopper, context.principal)?;
        let product = agent
            .catalogue
            .get(&self.sku)
            .ok_or_else(|| RecommendationRejection::UnknownProduct(self.sku.clone()))?;
        Ok(Decision::reply(()).record(ProductViewed {
            sku: self.sku.clone(),
            category: product.category.clone(),
        }))
    }
}

/// Notes what a shopper bought. Products that left the catalogue are passed over: an order that
/// happened is no longer to be refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordPurchase {
    /// Who bought.
    pub shopper: CustomerId,
    /// In which order.
    pub order: OrderId,
    /// What; repeated SKUs count once.
    pub skus: Vec<Sku>,
}

impl Command for RecordPurchase {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "RecordPurchase";

    fn entity(&self) -> Cow<'_, str> {
        shopper_key(&self.shopper)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        _: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let products: Vec<_> = distinct(&self.skus)
            .filter_map(|sku| agent.catalogue.get(sku))
            .map(|product| BoughtProduct {
                sku: product.sku.clone(),
                category: product.category.clone(),
            })
            .collect();
        let event = (!products.is_empty()).then(|| ProductsBought {
            order: self.order.clone(),
            products,
            at: context.now,
        });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Teaches the model which products were bought together. Of a larger basket the first
/// [`Model::BASKET_SKUS_MAX`] known products are learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnBasket {
    /// The order.
    pub order: OrderId,
    /// Its products; repeated SKUs count once.
    pub skus: Vec<Sku>,
}

impl Command for LearnBasket {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "LearnBasket";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        _: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let skus: Vec<_> = distinct(&self.skus)
            .filter(|sku| agent.catalogue.get(sku).is_some())
            .take(Model::BASKET_SKUS_MAX)
            .cloned()
            .collect();
        let event = (!skus.is_empty()).then(|| BasketLearned {
            order: self.order.clone(),
            skus,
        });
        Ok(Decision::reply(()).record_all(event))
    }
}

/// Stops recommending a product: what is nearly gone need not be advertised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuppressProduct {
    /// Which.
    pub sku: Sku,
    /// Why, for people: at most 200 bytes.
    pub reason: Box<str>,
}

impl Command for SuppressProduct {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "SuppressProduct";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        _: &RecommendationAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        if self.reason.len() > REASON_BYTES_MAX {
            return Err(RecommendationRejection::ReasonTooLong);
        }
        let model = state.model();
        if model.is_suppressed(&self.sku) {
            return Ok(Decision::reply(()));
        }
        if model.suppressed() >= Model::SUPPRESSED_MAX {
            return Err(RecommendationRejection::TooManySuppressed);
        }
        Ok(Decision::reply(()).record(ProductSuppressed {
            sku: self.sku.clone(),
            reason: self.reason.clone(),
        }))
    }
}

/// Lets a product be recommended again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreProduct {
    /// Which.
    pub sku: Sku,
}

impl Command for RestoreProduct {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "RestoreProduct";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        _: &RecommendationAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        staff(context.principal)?;
        let event = state
            .model()
            .is_suppressed(&self.sku)
            .then(|| ProductRestored {
                sku: self.sku.clone(),
            });
        Ok(Decision::reply(()).record_all(event))
    }
}

fn distinct(skus: &[Sku]) -> impl Iterator<Item = &Sku> {
    let mut seen = BTreeSet::new();
    skus.iter().filter(move |sku| seen.insert(*sku))
}
