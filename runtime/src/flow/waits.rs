//! Which flow waits for which, so that none waits for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The flows of a runtime that wait for others, by their streams.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    awaited: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl Waits {
    /// Notes that one flow waits for another.
    ///
    /// # Errors
    /// Where the other one waits for the first, directly or not: the whole circle, which begins and
    /// ends with the first. Nothing is noted then.
    pub(crate) fn add(
        &mut self,
        waiter: &Arc<str>,
        awaited: &Arc<str>,
    ) -> Result<(), Vec<Arc<str>>> {
        if let Some(mut way) = self.way(awaited, waiter) {
            way.insert(0, waiter.clone());
            return Err(way);
        }
        let of_waiter = self.awaited.entry(waiter.clone()).or_default();
        of_waiter.push(awaited.clone());
        Ok(())
    }

    /// Takes back one [`add`](Self::add).
    pub(crate) fn remove(&mut self, waiter: &Arc<str>, awaited: &Arc<str>) {
        let Some(of_waiter) = self.awaited.get_mut(waiter) else {
            return;
        };
        if let Some(place) = of_waiter.iter().position(|it| it == awaited) {
            of_waiter.remove(place);
        }
        if of_waiter.is_empty() {
            self.awaited.remove(waiter);
        }
    }

    /// The flows from `from` to `to`, each of which waits for the next.
    fn way(&self, from: &Arc<str>, to: &Arc<str>) -> Option<Vec<Arc<str>>> {
        let mut seen = BTreeSet::from([from.clone()]);
        let mut ways = vec![vec![from.clone()]];
        while let Some(way) = ways.pop() {
            let last = way.last()?;
            if last == to {
                return Some(way);
            }
            for next in self.awaited.get(last).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    let mut longer = way.clone();
                    longer.push(next.clone());
                    ways.push(longer);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "an error is what it maps")]
    fn names(way: Vec<Arc<str>>) -> String {
        way.iter().map(|it| &**it).collect::<Vec<_>>().join(">")
    }

    /// Catches: a circle that is seen only where two flows wait for each other, or named wrongly.
    #[test]
    fn a_circle_is_refused_with_its_way() {
        let [a, b, c, d]: [Arc<str>; 4] = ["a", "b", "c", "d"].map(Into::into);
        let mut waits = Waits::default();
        assert_eq!(waits.add(&a, &a).map_err(names), Err("a>a".to_owned()));
        for (waiter, awaited) in [(&a, &b), (&a, &d), (&b, &c), (&b, &d)] {
            assert_eq!(waits.add(waiter, awaited), Ok(()));
        }
        assert_eq!(waits.add(&c, &a).map_err(names), Err("c>a>b>c".to_owned()));
        assert_eq!(
            waits.add(&c, &d),
            Ok(()),
            "d is waited for, and waits for nobody"
        );
        waits.remove(&a, &b);
        assert_eq!(waits.add(&c, &a), Ok(()), "the circle is broken");
    }

    /// Catches: a wait that is forgotten while another one for the same flow goes on.
    #[test]
    fn two_waits_for_one_flow_are_two() {
        let [a, b]: [Arc<str>; 2] = ["a", "b"].map(Into::into);
        let mut waits = Waits::default();
        assert_eq!(waits.add(&a, &b), Ok(()));
        assert_eq!(waits.add(&a, &b), Ok(()));
        waits.remove(&a, &b);
        assert!(waits.add(&b, &a).is_err());
        waits.remove(&a, &b);
        assert_eq!(waits.add(&b, &a), Ok(()));
        waits.remove(&a, &b);
    }
}
