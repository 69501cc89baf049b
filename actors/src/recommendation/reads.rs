//! What can be asked of a shopper's taste and of the model.

use std::borrow::Cow;

use mercato_runtime::{Command, Context, Decided, Decision, Kind, State};
use serde::{Deserialize, Serialize};

use super::candidates::{CandidateContext, Candidates, candidates, new_candidate};
use super::commands::{MODEL, RecommendationRejection, own, shopper_key};
use super::taste::Taste;
use super::{RecommendationAgent, RecommendationState};
use crate::domain::CustomerId;

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
        Ok(Decision::reply(agent.candidates(state, &self.context)))
    }
}

/// Reads what many people buy: what a stranger is shown. It is the same for everybody, so it is
/// asked for through the cache of answers, and what was answered last stands in for the agent where
/// that cannot be asked.
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

impl RecommendationAgent {
    fn candidates(&self, state: &RecommendationState, context: &CandidateContext) -> Candidates {
        let (model, catalogue, rules) = (state.model(), &self.catalogue, &self.rules);
        let products = candidates(model, catalogue, rules, context);
        Candidates {
            new: new_candidate(model, catalogue, rules, context, &products),
            products,
            rules: rules.clone(),
        }
    }
}
