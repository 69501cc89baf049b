//! Kinds of shoppers: how they move, how often they buy, what they ask.

use rand::Rng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;

use super::error::ShopperError;
use super::graph::Graph;

/// What a shopper asks customer support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupportTopic {
    /// Where is my order?
    OrderStatus,
    /// A question about a product.
    ProductQuestion,
    /// Change or cancel an order.
    ChangeOrder,
    /// Something does not work.
    TechnicalIssue,
    /// Anything else.
    GeneralQuestion,
}

impl SupportTopic {
    /// All topics, in the order of [`Persona::new`]'s weights.
    pub const ALL: [Self; 5] = [
        Self::OrderStatus,
        Self::ProductQuestion,
        Self::ChangeOrder,
        Self::TechnicalIssue,
        Self::GeneralQuestion,
    ];
}

/// A kind of shopper.
#[derive(Clone, Debug)]
pub struct Persona {
    name: &'static str,
    share: f64,
    conversion: f64,
    graph: Graph,
    topics: WeightedIndex<f64>,
}

impl Persona {
    /// A persona.
    ///
    /// `share` is its part of the population, relative to the other personas; `conversion` the
    /// probability, 0 to 1, that a session ends in an order; `topics` weighs [`SupportTopic::ALL`].
    ///
    /// # Errors
    /// [`ShopperError::BadOption`] for a number outside its range.
    pub fn new(
        name: &'static str,
        share: f64,
        conversion: f64,
        topics: [f64; SupportTopic::ALL.len()],
        graph: Graph,
    ) -> Result<Self, ShopperError> {
        if !(share.is_finite() && share > 0.0) {
            return Err(out_of_range("share", share, "above 0"));
        }
        let topics = WeightedIndex::new(topics).map_err(|_| {
            out_of_range(
                "the sum of topics",
                topics.iter().sum(),
                "above 0, of weights of at least 0",
            )
        })?;
        Self {
            name,
            share,
            conversion,
            graph,
            topics,
        }
        .with_conversion(conversion)
    }

    /// The same persona with another conversion: a sale day, or a short run that must see orders.
    ///
    /// # Errors
    /// [`ShopperError::BadOption`] outside 0 to 1.
    pub fn with_conversion(self, conversion: f64) -> Result<Self, ShopperError> {
        if (0.0..=1.0).contains(&conversion) {
            Ok(Self { conversion, ..self })
        } else {
            Err(out_of_range("conversion", conversion, "0 to 1"))
        }
    }

    /// Its name, as reports show it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its part of the population, relative to the other personas.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// The probability that one of its sessions ends in an order.
    pub fn conversion(&self) -> f64 {
        self.conversion
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(super) fn topic(&self, rng: &mut impl Rng) -> SupportTopic {
        SupportTopic::ALL[self.topics.sample(rng)]
    }
}

fn out_of_range(option: &'static str, value: f64, range: &'static str) -> ShopperError {
    ShopperError::BadOption {
        option,
        value: value.to_string(),
        range,
    }
}
