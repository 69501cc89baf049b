//! The shop's pricing rules as data: read from a file, checked as a whole, and named in every
//! explanation.

use std::collections::BTreeSet;

use mercato_runtime::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::Lifecycle;
use super::terms::{PricingTerms, SalesChannel, Segment};
use crate::domain::{BasisPoints, Quantity, RuleId, Sku};

/// The most rules that a book holds.
const RULES_MAX: usize = 256;
/// The furthest that one rule moves a price, up or down.
const ADJUSTMENT_MAX: BasisPoints = BasisPoints::new(9_000);
/// The highest margin that a rule may ask for: ten times the cost.
const MARGIN_MAX: BasisPoints = BasisPoints::new(100_000);

/// The rules in force, and their version.
///
/// Adjustments of all rules that apply are added up and applied at once, and the highest margin
/// asked for holds after that; so the order of the rules means nothing.
///
/// ```
/// use mercato_actors::RuleBook;
/// use mercato_actors::runtime::serde_json;
///
/// let book = r#"{ "version": 7, "rules": [
///     { "id": "crates", "when": { "quantity_from": 24, "segments": ["Trade"] },
///       "then": { "Adjust": -500 } } ] }"#;
/// assert_eq!(serde_json::from_str::<RuleBook>(book)?.version(), 7);
///
/// // What is wrong is told all at once, and a condition on a person does not exist.
/// let wrong = r#"{ "version": 8, "rules": [
///     { "id": "a", "when": {}, "then": { "Adjust": 0 } },
///     { "id": "a", "when": { "from": 9, "until": 9 }, "then": { "Adjust": 100 } } ] }"#;
/// let problems = serde_json::from_str::<RuleBook>(wrong).unwrap_err().to_string();
/// assert!(problems.contains("takes nothing off") && problems.contains("twice"));
/// assert!(problems.contains("ends before it begins"));
/// let person = r#"{ "version": 9, "rules": [
///     { "id": "b", "when": { "age": 30 }, "then": { "Adjust": 100 } } ] }"#;
/// assert!(serde_json::from_str::<RuleBook>(person).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawBook", into = "RawBook")]
pub struct RuleBook {
    version: u32,
    rules: Vec<Rule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBook {
    version: u32,
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in explanations.
    pub id: RuleId,
    /// Where it applies.
    #[serde(default)]
    pub when: RuleCondition,
    /// What it does there.
    pub then: RuleEffect,
}

/// Where a rule applies: everything that is said must be so, and what is not said does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleCondition {
    /// For these customers; none named: for all.
    pub segments: BTreeSet<Segment>,
    /// In these places; none named: in all.
    pub channels: BTreeSet<SalesChannel>,
    /// At these times of a product's life; none named: at all.
    pub lifecycles: BTreeSet<Lifecycle>,
    /// For these products; none named: for all.
    pub skus: BTreeSet<Sku>,
    /// On these shelves; none named: on all.
    pub categories: BTreeSet<Box<str>>,
    /// From so many units on.
    pub quantity_from: Option<Quantity>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Until this moment, which is no part of it.
    pub until: Option<Timestamp>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleEffect {
    /// Raises (or, below zero, lowers) the price by a share of it.
    Adjust(BasisPoints),
    /// Raises the price to cost and this margin, where it is lower.
    MarginAtLeast(BasisPoints),
}

/// What is wrong with a rule book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// More rules than a book holds.
    #[error("there are more than {RULES_MAX} rules; merge some")]
    TooMany,
    /// Two rules have one name.
    #[error("rule {0} stands twice; rename or remove one")]
    Twice(RuleId),
    /// An adjustment of nothing.
    #[error("rule {0} neither raises nor takes nothing off; remove it")]
    Idle(RuleId),
    /// An adjustment or a margin beyond what can be meant.
    #[error("rule {0} moves a price by more than {1}; choose a smaller share")]
    TooFar(RuleId, BasisPoints),
    /// It begins after it ends.
    #[error("rule {0} ends before it begins; correct its times")]
    Times(RuleId),
}

/// Everything that is wrong with a rule book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRules(pub Vec<RuleProblem>);

impl std::fmt::Display for InvalidRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidRules {}

impl RuleBook {
    /// A book of these rules.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn new(version: u32, mut rules: Vec<Rule>) -> Result<Self, InvalidRules> {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let mut problems = Vec::new();
        if rules.len() > RULES_MAX {
            problems.push(RuleProblem::TooMany);
        }
        for pair in rules.windows(2) {
            if let [one, other] = pair
                && one.id == other.id
            {
                problems.push(RuleProblem::Twice(one.id.clone()));
            }
        }
        problems.extend(rules.iter().flat_map(Rule::problems));
        if problems.is_empty() {
            Ok(Self { version, rules })
        } else {
            Err(InvalidRules(problems))
        }
    }

    /// The version that explanations name.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The rules that apply, by name.
    pub(super) fn applying<'a>(
        &'a self,
        case: RuleCase<'a>,
    ) -> impl Iterator<Item = &'a Rule> + use<'a> {
        self.rules.iter().filter(move |rule| rule.when.holds(&case))
    }

    /// When a rule begins or ends.
    pub(super) fn moments(&self) -> impl Iterator<Item = Timestamp> {
        let rules = self.rules.iter();
        rules.flat_map(|rule| [rule.when.from, rule.when.until].into_iter().flatten())
    }
}

/// What rules look at.
#[derive(Clone, Copy)]
pub(super) struct RuleCase<'a> {
    pub(super) sku: &'a Sku,
    pub(super) category: Option<&'a str>,
    pub(super) lifecycle: Lifecycle,
    pub(super) terms: PricingTerms,
    /// The price in the list was made for this segment, so no rule adjusts for it once more.
    pub(super) segment_priced: bool,
    pub(super) now: Timestamp,
}

impl RuleCondition {
    fn holds(&self, case: &RuleCase<'_>) -> bool {
        let terms = case.terms;
        let in_time = self.from.is_none_or(|from| from <= case.now)
            && self.until.is_none_or(|until| case.now < until);
        let of_segment = self.segments.is_empty()
            || (self.segments.contains(&terms.segment) && !case.segment_priced);
        in_time
            && of_segment
            && any_or(&self.channels, &terms.channel)
            && any_or(&self.lifecycles, &case.lifecycle)
            && any_or(&self.skus, case.sku)
            && (self.categories.is_empty()
                || case
                    .category
                    .is_some_and(|shelf| self.categories.contains(shelf)))
            && self.quantity_from.is_none_or(|from| from <= terms.quantity)
    }
}

fn any_or<T: Ord>(named: &BTreeSet<T>, one: &T) -> bool {
    named.is_empty() || named.contains(one)
}

impl Rule {
    fn problems(&self) -> Vec<RuleProblem> {
        let mut problems = Vec::new();
        let id = || self.id.clone();
        match self.then {
            RuleEffect::Adjust(BasisPoints::ZERO) => problems.push(RuleProblem::Idle(id())),
            RuleEffect::Adjust(by)
                if by.get().unsigned_abs() > ADJUSTMENT_MAX.get().unsigned_abs() =>
            {
                problems.push(RuleProblem::TooFar(id(), ADJUSTMENT_MAX));
            }
            RuleEffect::MarginAtLeast(margin)
                if margin < BasisPoints::ZERO || margin > MARGIN_MAX =>
            {
                problems.push(RuleProblem::TooFar(id(), MARGIN_MAX));
            }
            RuleEffect::Adjust(_) | RuleEffect::MarginAtLeast(_) => {}
        }
        if let (Some(from), Some(until)) = (self.when.from, self.when.until)
            && until <= from
        {
            problems.push(RuleProblem::Times(id()));
        }
        problems
    }
}

impl Default for RuleBook {
    /// Trade customers pay 5 % less, loyal ones 2 %, and what is cleared costs 15 % less.
    fn default() -> Self {
        let of = |segment| RuleCondition {
            segments: [segment].into(),
            ..RuleCondition::default()
        };
        let cleared = RuleCondition {
            lifecycles: [Lifecycle::Clearance].into(),
            ..RuleCondition::default()
        };
        let rules = [
            ("clearance", cleared, -1_500),
            ("segment-loyal", of(Segment::Loyal), -200),
            ("segment-trade", of(Segment::Trade), -500),
        ];
        let rules = rules.into_iter().filter_map(|(id, when, share)| {
            let id = RuleId::new(id).ok()?;
            let then = RuleEffect::Adjust(BasisPoints::new(share));
            Some(Rule { id, when, then })
        });
        Self {
            version: 1,
            rules: rules.collect(),
        }
    }
}

impl TryFrom<RawBook> for RuleBook {
    type Error = InvalidRules;

    fn try_from(raw: RawBook) -> Result<Self, InvalidRules> {
        Self::new(raw.version, raw.rules)
    }
}

impl From<RuleBook> for RawBook {
    fn from(book: RuleBook) -> Self {
        Self {
            version: book.version,
            rules: book.rules,
        }
    }
}
