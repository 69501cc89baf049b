//! Laws: what must hold whatever happens.

use std::fmt;

/// A broken law lists at most this many cases.
const CASES_MAX: usize = 5;

/// A law, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What must hold, as a sentence.
    pub name: &'static str,
    /// How many cases it was held against.
    pub checked: u64,
    /// How many of them broke it.
    pub broken: u64,
    /// The first of those, in words.
    pub cases: Vec<String>,
}

impl Verdict {
    /// A law that nothing was held against yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            checked: 0,
            broken: 0,
            cases: Vec::new(),
        }
    }

    /// Whether it held. A law that was held against nothing has not been broken, and the count in
    /// the report says that it has not been shown either.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken == 0
    }

    /// Holds it against one case; `case` says in words what is wrong where it is.
    pub fn check<T: fmt::Display>(&mut self, held: bool, case: impl FnOnce() -> T) {
        self.checked += 1;
        if !held {
            self.broken += 1;
            if self.cases.len() < CASES_MAX {
                self.cases.push(case().to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_case_breaks_a_law() {
        let mut law = Verdict::new("all numbers are even");
        law.check(true, || "2");
        assert!(law.holds());
        law.check(false, || "3 is odd");
        law.check(true, || "4");
        assert!(!law.holds());
        assert_eq!((law.checked, law.broken), (3, 1));
        assert_eq!(law.cases, ["3 is odd"]);
    }
}
