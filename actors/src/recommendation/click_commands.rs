//! What is asked of the clicks, and of what was shown.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State, Timestamp};
use serde::{Deserialize, Serialize};

use super::RecommendationAgent;
use super::candidates::{CandidateContext, Showcase};
use super::clicks::Visitor;
use super::commands::{MODEL, RecommendationRejection, own};
use super::events::{ClickLearned, ProductsShown, ShownProduct};
use super::exposures::Exposures;
use crate::domain::{CustomerId, Sku};

/// The key of the one entity that knows what is clicked after what.
pub(super) const CLICKS: &str = "clicks";

/// Learns a click. A recorded view of a shopper is learned by itself (the trigger
/// `learn-from-view`); this is for visitors without an account, and for feeds. A product that the
/// catalogue does not have is passed over: what was clicked elsewhere is no reason to stop a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnClick {
    /// Who clicked.
    pub visitor: Visitor,
    /// On what.
    pub sku: Sku,
    /// When; `None` is now, and so is a time that is still to come.
    pub at: Option<Timestamp>,
}

impl Command for LearnClick {
    type Agent = RecommendationAgent;
    /// Whether the catalogue has the product.
    type Reply = bool;
    const NAME: &'static str = "LearnClick";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(CLICKS)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        _: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        if let Visitor::Shopper(shopper) = &self.visitor {
            own(shopper, context.principal)?;
        }
        let is_known = agent.catalogue.get(&self.sku).is_some();
        let at = self.at.unwrap_or(context.now).min(context.now);
        let event = is_known.then(|| ClickLearned {
            visitor: self.visitor.clone(),
            sku: self.sku.clone(),
            at,
        });
        Ok(Decision::reply(is_known).record_all(event))
    }
}

/// A product that may come next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextProduct {
    /// Which.
    pub sku: Sku,
    /// How likely beside the first: above 0 and at most 1.
    pub score: f64,
}

/// Reads what others clicked next in visits like this one, best first. A visit of nothing, or of
/// nothing that is known, has no next product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextProducts {
    /// Who asks, where that is known: a visit is not asked about itself.
    pub visitor: Option<Visitor>,
    /// The products of the visit, newest first.
    pub session: Vec<Sku>,
    /// How many: at most [`CandidateContext::WANTED_MAX`].
    pub wanted: usize,
}

impl Command for NextProducts {
    type Agent = RecommendationAgent;
    type Reply = Vec<NextProduct>;
    const NAME: &'static str = "NextProducts";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(CLICKS)
    }

    fn decide(
        &self,
        _: &RecommendationAgent,
        state: &State<Self>,
        _: &Context<'_>,
    ) -> Decided<Self> {
        if self.wanted > CandidateContext::WANTED_MAX {
            return Err(RecommendationRejection::TooManyWanted);
        }
        let clicks = state.clicks();
        let next =
            clicks.map(|clicks| clicks.next(self.visitor.as_ref(), &self.session, self.wanted));
        let next = next.into_iter().flatten().map(|(sku, score)| NextProduct {
            sku: sku.clone(),
            score: f64::from(score),
        });
        Ok(Decision::reply(next.collect()))
    }
}

/// Notes what was shown to somebody. [`recommend`](super::recommend) does so by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogExposure {
    /// To whom, where that is known.
    pub shopper: Option<CustomerId>,
    /// What for.
    pub shelf: Showcase,
    /// What, in the order in which it stood; the first [`Exposures::SHOWN_MAX`] count.
    pub products: Vec<ShownProduct>,
}

impl Command for LogExposure {
    type Agent = RecommendationAgent;
    type Reply = ();
    const NAME: &'static str = "LogExposure";

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        _: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        if let Some(shopper) = &self.shopper {
            own(shopper, context.principal)?;
        }
        let known = self.products.iter();
        let products: Vec<ShownProduct> = known
            .filter(|shown| agent.catalogue.get(&shown.sku).is_some())
            .take(Exposures::SHOWN_MAX)
            .cloned()
            .collect();
        let event = (!products.is_empty()).then(|| ProductsShown {
            shopper: self.shopper.clone(),
            shelf: self.shelf,
            products,
        });
        Ok(Decision::reply(()).record_all(event))
    }
}
