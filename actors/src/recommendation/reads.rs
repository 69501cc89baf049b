//! What can be asked of a shopper's taste and of the model.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State, Tag};
use serde::{Deserialize, Serialize};

use super::candidates::{Candidate, CandidateContext, Candidates, candidates, new_candidate};
use super::commands::{MODEL, RecommendationRejection, own, shopper_key};
use super::taste::Taste;
use super::{RecommendationAgent, RecommendationState};
use crate::domain::{CustomerId, Sku};

/// Reads what is known of a shopper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopperTaste {
    /// Of whom.
    pub shopper: CustomerId,
}

impl Command for ShopperTaste {
    type Agent = RecommendationAgent;
    type Reply = Taste;
    const NAME: &'static str = "ShopperTaste";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        shopper_key(&self.shopper)
    }

    fn decide(
        &self,
        _: &RecommendationAgent,
        state: &State<Self>,
        context: &Context<'_>,
    ) -> Decided<Self> {
        own(&self.shopper, context.principal)?;
        Ok(Decision::reply(state.taste().clone()))
    }
}

/// Reads products that may go with what a shopper did, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateCandidates {
    /// What the shopper did, and how many products are wanted.
    pub context: CandidateContext,
}

impl Command for GenerateCandidates {
    type Agent = RecommendationAgent;
    type Reply = Candidates;
    const NAME: &'static str = "GenerateCandidates";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        state: &State<Self>,
        _: &Context<'_>,
    ) -> Decided<Self> {
        if self.context.wanted > CandidateContext::WANTED_MAX {
            return Err(RecommendationRejection::TooManyWanted);
        }
        let mut candidates = agent.candidates(state, &self.context);
        let found = &candidates.products;
        let is_found = |sku: &Sku| found.iter().any(|candidate| candidate.sku == *sku);
        candidates.new = agent.new_candidate(state, &self.context, is_found);
        Ok(Decision::reply(candidates))
    }
}

/// Reads what many people buy: what a stranger is shown. It is the same for everybody, so it is
/// asked for through the cache of answers, and what was answered last stands in for the agent where
/// that cannot be asked.
///
/// Whose turn it is among the products that nobody has bought changes with every answer that is
/// shown, and so is no part of this one: [`NewProduct`] tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PopularProducts {
    /// How many: at most [`CandidateContext::WANTED_MAX`].
    pub wanted: usize,
}

impl Command for PopularProducts {
    type Agent = RecommendationAgent;
    type Reply = Candidates;
    const NAME: &'static str = "PopularProducts";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    /// What was shown says nothing of what is bought: an answer that is shown does not make itself
    /// wrong.
    fn depends_on(&self) -> Vec<Tag> {
        let events = ["BasketLearned", "ProductSuppressed", "ProductRestored"];
        events.map(Tag::event::<RecommendationAgent>).to_vec()
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        state: &State<Self>,
        _: &Context<'_>,
    ) -> Decided<Self> {
        if self.wanted > CandidateContext::WANTED_MAX {
            return Err(RecommendationRejection::TooManyWanted);
        }
        let context = CandidateContext {
            wanted: self.wanted,
            ..CandidateContext::default()
        };
        Ok(Decision::reply(agent.candidates(state, &context)))
    }
}

/// Reads which product that nobody has bought yet is due for being shown to a stranger, where one is:
/// not one of those that are shown already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewProduct {
    /// What else is shown: at most [`CandidateContext::WANTED_MAX`].
    pub beside: Vec<Sku>,
}

impl Command for NewProduct {
    type Agent = RecommendationAgent;
    type Reply = Option<Candidate>;
    const NAME: &'static str = "NewProduct";
    const KIND: Kind = Kind::Read;

    fn entity(&self) -> Cow<'_, str> {
        Cow::Borrowed(MODEL)
    }

    fn decide(
        &self,
        agent: &RecommendationAgent,
        state: &State<Self>,
        _: &Context<'_>,
    ) -> Decided<Self> {
        if self.beside.len() > CandidateContext::WANTED_MAX {
            return Err(RecommendationRejection::TooManyWanted);
        }
        let context = CandidateContext::default();
        let new = agent.new_candidate(state, &context, |sku| self.beside.contains(sku));
        Ok(Decision::reply(new))
    }
}

impl RecommendationAgent {
    /// What may be recommended, but for what is new.
    fn candidates(&self, state: &RecommendationState, context: &CandidateContext) -> Candidates {
        let (model, catalogue, rules) = (state.model(), &self.catalogue, &self.rules);
        Candidates {
            products: candidates(model, catalogue, rules, context),
            new: None,
            rules: rules.clone(),
        }
    }

    fn new_candidate(
        &self,
        state: &RecommendationState,
        context: &CandidateContext,
        is_found: impl Fn(&Sku) -> bool,
    ) -> Option<Candidate> {
        let (model, catalogue, rules) = (state.model(), &self.catalogue, &self.rules);
        new_candidate(model, catalogue, rules, context, is_found)
    }
}
