//! Which branches of a parallel group count: pure, and decided once.

use super::events::BranchesDecided;

/// When a group is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// All must succeed; the first failure decides.
    All,
    /// Each counts for itself; all are waited for.
    Settled,
    /// So many must succeed.
    Quorum(usize),
}

/// The branches that have come to their end, by their place in the group, in the order in which
/// they did.
#[derive(Debug, Default)]
pub(super) struct Tally {
    succeeded: Vec<usize>,
    failed: Vec<usize>,
}

impl Tally {
    pub(super) fn add(&mut self, branch: usize, succeeded: bool) {
        match succeeded {
            true => self.succeeded.push(branch),
            false => self.failed.push(branch),
        }
    }

    /// Whether nothing that the other branches do can change the outcome.
    pub(super) fn is_decided(&self, rule: Rule, branches: usize) -> bool {
        let (succeeded, failed) = (self.succeeded.len(), self.failed.len());
        match rule {
            Rule::All => failed > 0 || succeeded == branches,
            Rule::Settled => succeeded + failed == branches,
            Rule::Quorum(needed) => succeeded >= needed || failed + needed > branches,
        }
    }

    /// What is written down. A group that came to nothing has no branch that counts.
    pub(super) fn decide(&self, rule: Rule, group: &str, branches: &[Box<str>]) -> BranchesDecided {
        let came_to_something = match rule {
            Rule::All => self.succeeded.len() == branches.len(),
            Rule::Settled => true,
            Rule::Quorum(needed) => self.succeeded.len() >= needed,
        };
        let most = match rule {
            _ if !came_to_something => 0,
            Rule::Quorum(needed) => needed,
            Rule::All | Rule::Settled => branches.len(),
        };
        let counted: Vec<_> = self.succeeded.iter().copied().take(most).collect();
        let names = |places: &[usize]| places.iter().map(|it| branches[*it].clone()).collect();
        let lost: Vec<_> = (0..branches.len())
            .filter(|branch| !counted.contains(branch))
            .collect();
        BranchesDecided {
            group: group.into(),
            counted: names(&counted),
            failed: names(&self.failed),
            lost: names(&lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of branches one after the other, up to the decision: who counts, failed and is lost.
    fn check(rule: Rule, ends: &[(usize, bool)]) -> Option<[String; 3]> {
        let branches: Vec<Box<str>> = ["a", "b", "c"].map(Into::into).to_vec();
        let mut tally = Tally::default();
        for (branch, succeeded) in ends {
            assert!(!tally.is_decided(rule, branches.len()), "too early");
            tally.add(*branch, *succeeded);
        }
        tally.is_decided(rule, branches.len()).then(|| {
            let decided = tally.decide(rule, "g", &branches);
            [decided.counted, decided.failed, decided.lost].map(|names| names.concat())
        })
    }

    fn expect(counted: &str, failed: &str, lost: &str) -> Option<[String; 3]> {
        Some([counted, failed, lost].map(str::to_owned))
    }

    /// Catches: a failure that is waited out, and branches that count though the group failed.
    #[test]
    fn all_are_decided_by_the_first_failure_or_the_last_success() {
        assert_eq!(check(Rule::All, &[(1, true), (0, true)]), None);
        let all = [(1, true), (0, true), (2, true)];
        assert_eq!(check(Rule::All, &all), expect("bac", "", ""));
        let one = [(2, true), (1, false)];
        assert_eq!(check(Rule::All, &one), expect("", "b", "abc"));
    }

    /// Catches: a branch that is not waited for, and one that failed and counts.
    #[test]
    fn each_settles_for_itself() {
        assert_eq!(check(Rule::Settled, &[(2, true), (0, false)]), None);
        let ends = [(2, true), (0, false), (1, true)];
        assert_eq!(check(Rule::Settled, &ends), expect("cb", "a", "a"));
    }

    /// Catches: a quorum that waits for more than it needs, or for what cannot come any more.
    #[test]
    fn a_quorum_is_decided_as_soon_as_it_can_be() {
        let two = Rule::Quorum(2);
        assert_eq!(check(two, &[(0, true), (1, false)]), None);
        let ends = [(0, false), (2, true), (1, true)];
        assert_eq!(check(two, &ends), expect("cb", "a", "a"));
        assert_eq!(check(two, &[(2, true), (0, true)]), expect("ca", "", "b"));
        assert_eq!(
            check(two, &[(2, false), (0, false)]),
            expect("", "ca", "abc")
        );
        let one = Rule::Quorum(1);
        assert_eq!(check(one, &[(1, true)]), expect("b", "", "ac"));
        assert_eq!(check(one, &[(2, false), (0, false)]), None);
        let none = [(2, false), (0, false), (1, false)];
        assert_eq!(check(one, &none), expect("", "cab", "abc"));
    }
}
