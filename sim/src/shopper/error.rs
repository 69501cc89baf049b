//! What can be wrong with a wished-for population.

use thiserror::Error;

use super::graph::State;

/// Why a population cannot be made.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ShopperError {
    /// No shopper was asked for.
    #[error("0 shoppers: ask for at least 1")]
    NoShoppers,
    /// More shoppers were asked for than allowed.
    #[error("{asked} shoppers: ask for at most {shoppers_max}")]
    TooManyShoppers {
        /// How many were asked for.
        asked: u64,
        /// The limit.
        shoppers_max: u64,
    },
    /// The sessions have no time to arrive in.
    #[error("the duration is zero: give the sessions at least 1 ms to arrive in")]
    ZeroDuration,
    /// Nothing was ever sold, so there is nothing to shop for.
    #[error(
        "the catalogue is empty: the transactions hold no sale; see the counts of skipped rows for why"
    )]
    EmptyCatalogue,
    /// No hour of the day has any weight.
    #[error("the hour profile is empty: give at least one hour a weight")]
    EmptyHours,
    /// An option is outside its range.
    #[error("{option} is {value}: it must be {range}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// Its value, as text.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// The transitions out of a state do not sum to 1, or one of them is no probability.
    #[error("the probabilities out of {from} sum to {sum}: each must be 0 to 1 and their sum 1")]
    BadProbabilities {
        /// The state, or the entry.
        from: &'static str,
        /// Their sum.
        sum: f64,
    },
    /// A transition that makes no sense, such as paying without having seen the cart.
    #[error("{to} can be reached from {from}: it may only follow {only_after}")]
    BadTransition {
        /// Where the transition starts.
        from: &'static str,
        /// Where it ends.
        to: State,
        /// The one state that it may follow.
        only_after: State,
    },
    /// A state from which the shopper never leaves.
    #[error("{from} is a dead end: give it a way that ends in leaving")]
    DeadEnd {
        /// The state.
        from: State,
    },
}
