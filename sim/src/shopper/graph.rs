//! The behaviour graph: where a shopper goes next, as data.

use std::fmt;

use rand::Rng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;

use super::error::ShopperError;

/// Slack for sums of probabilities written in decimal.
const SUM_TOLERANCE: f64 = 1e-9;

/// Where a shopper can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Looks at recommendations or a category.
    Browse,
    /// Searches.
    Search,
    /// Looks at one product.
    ViewProduct,
    /// Puts something into the cart.
    AddToCart,
    /// Looks at the cart.
    ViewCart,
    /// Orders and pays.
    Checkout,
    /// Asks customer support.
    AskSupport,
    /// Sends something back.
    Return,
    /// Is gone.
    Leave,
}

impl State {
    /// All states, `Leave` last.
    pub const ALL: [Self; 9] = [
        Self::Browse,
        Self::Search,
        Self::ViewProduct,
        Self::AddToCart,
        Self::ViewCart,
        Self::Checkout,
        Self::AskSupport,
        Self::Return,
        Self::Leave,
    ];

    /// The state in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Search => "search",
            Self::ViewProduct => "view product",
            Self::AddToCart => "add to cart",
            Self::ViewCart => "view cart",
            Self::Checkout => "check out",
            Self::AskSupport => "ask support",
            Self::Return => "return",
            Self::Leave => "leave",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The probabilities of the next state; one that is not named has probability 0.
pub type Transitions = [(State, f64)];

/// Transition probabilities that have been checked: every row sums to 1, every state leads out,
/// the cart is looked at only after something was put in, and paid only after it was looked at.
#[derive(Clone, Debug)]
pub struct Graph {
    entry: WeightedIndex<f64>,
    rows: Vec<WeightedIndex<f64>>,
}

impl Graph {
    /// Builds a graph from the first state's probabilities and one row for each state but
    /// [`State::Leave`]. A state without a row is a dead end; of two rows for a state, the later
    /// stands, so that a table can be varied.
    ///
    /// # Errors
    /// [`ShopperError`] naming the state whose row is wrong.
    pub fn new(entry: &Transitions, rows: &[(State, &Transitions)]) -> Result<Self, ShopperError> {
        const ENTRY: &str = "the entry";
        let mut table = [[0.0; State::ALL.len()]; State::ALL.len()];
        let given = |from: State| rows.iter().rev().find(|(state, _)| *state == from);
        for from in State::ALL
            .into_iter()
            .filter(|state| *state != State::Leave)
        {
            let (_, row) = given(from).ok_or(ShopperError::DeadEnd { from })?;
            table[from as usize] = spread(from.label(), row)?;
            check_order(from.label(), Some(from), row)?;
        }
        check_order(ENTRY, None, entry)?;
        check_leads_out(&table)?;

        let steps = &table[..State::Leave as usize];
        Ok(Self {
            entry: index(ENTRY, &spread(ENTRY, entry)?)?,
            rows: State::ALL
                .iter()
                .zip(steps)
                .map(|(from, row)| index(from.label(), row))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first state of a session.
    pub(super) fn enter(&self, rng: &mut impl Rng) -> State {
        State::ALL[self.entry.sample(rng)]
    }

    /// The state after `from`; whoever has left stays away.
    pub(super) fn follow(&self, from: State, rng: &mut impl Rng) -> State {
        self.rows
            .get(from as usize)
            .map_or(State::Leave, |row| State::ALL[row.sample(rng)])
    }
}

/// A row as one weight for each state.
fn spread(from: &'static str, row: &Transitions) -> Result<[f64; State::ALL.len()], ShopperError> {
    let mut weights = [0.0; State::ALL.len()];
    for (to, probability) in row {
        weights[*to as usize] += probability;
    }
    let sum: f64 = weights.iter().sum();
    let are_probabilities = row
        .iter()
        .all(|(_, probability)| (0.0..=1.0).contains(probability));
    if are_probabilities && (sum - 1.0).abs() <= SUM_TOLERANCE {
        Ok(weights)
    } else {
        Err(ShopperError::BadProbabilities { from, sum })
    }
}

fn check_order(
    from: &'static str,
    state: Option<State>,
    row: &Transitions,
) -> Result<(), ShopperError> {
    for (to, only_after) in [
        (State::ViewCart, State::AddToCart),
        (State::Checkout, State::ViewCart),
    ] {
        let reached = row
            .iter()
            .any(|(next, probability)| *next == to && *probability > 0.0);
        if reached && state != Some(only_after) {
            return Err(ShopperError::BadTransition {
                from,
                to,
                only_after,
            });
        }
    }
    Ok(())
}

/// Every state must have some way to `Leave`: found by walking backwards from there.
fn check_leads_out(
    table: &[[f64; State::ALL.len()]; State::ALL.len()],
) -> Result<(), ShopperError> {
    let mut leads_out = [false; State::ALL.len()];
    leads_out[State::Leave as usize] = true;
    // Each pass finds at least one more state or none at all.
    for _ in State::ALL {
        for (from, row) in table.iter().enumerate() {
            leads_out[from] |= row
                .iter()
                .zip(leads_out)
                .any(|(weight, out)| *weight > 0.0 && out);
        }
    }
    match State::ALL
        .into_iter()
        .find(|state| !leads_out[*state as usize])
    {
        Some(from) => Err(ShopperError::DeadEnd { from }),
        None => Ok(()),
    }
}

fn index(from: &'static str, weights: &[f64]) -> Result<WeightedIndex<f64>, ShopperError> {
    WeightedIndex::new(weights).map_err(|_| ShopperError::BadProbabilities {
        from,
        sum: weights.iter().sum(),
    })
}
