//! How what the methods say becomes one order, learned from the clicks themselves.
//!
//! How much each of them is worth differs from shop to shop: in one, shoppers go back and forth
//! between the same products, in the next they walk on. So a few blends are judged on clicks before
//! these are learned, each by where it would have placed the product that was clicked, and the one
//! that did best of late is used. (Predict first, learn afterwards: Dawid's *prequential* judgement,
//! Journal of the Royal Statistical Society A 147, 1984.)

use serde::{Deserialize, Serialize};

use super::fade::RECENT_MAX;
use super::items::Slot;

/// What is known of one product in one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) slot: Slot,
    /// The weights that lead to it.
    pub(super) led: f32,
    /// How often it came after the place where near sessions meet this one.
    pub(super) after: f32,
    /// How often it came before that place.
    pub(super) before: f32,
    /// For a product of the session itself: how often one of its age is clicked again.
    pub(super) again: Option<f32>,
}

/// What is known of all products that something is known of.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) all: Vec<Evidence>,
}

/// One way to blend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blend {
    /// The share of the weights; the rest is that of the near sessions.
    led: f32,
    /// How much a click before the meeting place counts for of one after it.
    before: f32,
    /// How much of what the methods say is believed of a product of the session itself.
    inside: f32,
    /// How much its being clicked again by its age counts for.
    again: f32,
}

const LED: [f32; 4] = [0.15, 0.0, 0.4, 0.7];
const BEFORE: [f32; 3] = [0.4, 0.1, 1.0];
const INSIDE: [f32; 3] = [0.3, 0.0, 1.0];
const AGAIN: [f32; 3] = [1.0, 0.4, 3.0];
const BLENDS: usize = LED.len() * BEFORE.len() * INSIDE.len() * AGAIN.len();

/// The gain of each place: `1 / log2(place + 1)`, in millionths, as in nDCG. Later places gain
/// nothing.
const GAINS: [u64; 20] = [
    1_000_000, 630_930, 500_000, 430_677, 386_853, 356_207, 333_333, 315_465, 301_030, 289_065,
    278_943, 270_238, 262_650, 255_958, 250_000, 244_651, 239_812, 235_409, 231_378, 227_670,
];

impl Blend {
    fn number(number: usize) -> Self {
        let (number, again) = (number / AGAIN.len(), number % AGAIN.len());
        let (number, inside) = (number / INSIDE.len(), number % INSIDE.len());
        Self {
            led: LED[number / BEFORE.len() % LED.len()],
            before: BEFORE[number % BEFORE.len()],
            inside: INSIDE[inside],
            again: AGAIN[again],
        }
    }

    /// The score of each product, which means something only beside the others'.
    pub(super) fn score<'a>(
        self,
        findings: &'a Findings,
    ) -> impl Iterator<Item = (Slot, f32)> + 'a {
        let outside = findings.outside(self.led, self.before);
        let scored = findings.all.iter().zip(outside);
        scored.map(move |(one, outside)| (one.slot, self.place(one, outside)))
    }

    fn place(self, one: &Evidence, outside: f32) -> f32 {
        match one.again {
            Some(again) => self.inside * outside + self.again * again,
            None => outside,
        }
    }
}

impl Findings {
    /// What the methods say, each as shares of all that it says.
    fn outside(&self, led_share: f32, before_share: f32) -> Vec<f32> {
        let (mut led, mut near) = (0.0, 0.0);
        for one in &self.all {
            led += one.led.max(0.0);
            near += one.after + before_share * one.before;
        }
        let share = |share: f32, sum: f32| if sum > 0.0 { share / sum } else { 0.0 };
        let (led, near) = (share(led_share, led), share(1.0 - led_share, near));
        let all = self.all.iter();
        all.map(|one| led * one.led + near * (one.after + before_share * one.before))
            .collect()
    }
}

/// Judges the blends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Judge {
    gains: Vec<u64>,
    judged: u32,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            gains: vec![0; BLENDS],
            judged: 0,
        }
    }
}

impl Judge {
    /// Before so many clicks were judged, the first blend is used.
    const JUDGED_MIN: u32 = 64;
    /// After so many clicks what was gained counts for half, so that old habits are forgotten.
    const JUDGED_MAX: u32 = 8_192;

    /// The blend that did best of late.
    pub(super) fn best(&self) -> Blend {
        let gains = self.gains.iter().enumerate();
        // Of equals the first.
        let best = gains.rev().max_by_key(|(_, gain)| **gain);
        match best {
            Some((number, _)) if self.judged >= Self::JUDGED_MIN => Blend::number(number),
            _ => Blend::number(0),
        }
    }

    /// Sees where each blend would have placed what was clicked.
    pub(super) fn see(&mut self, findings: &Findings, clicked: Slot) {
        let all = &findings.all;
        let Some(target) = all.iter().position(|one| one.slot == clicked) else {
            return;
        };
        let inside: Vec<usize> = (all.iter().enumerate())
            .filter_map(|(place, one)| one.again.map(|_| place))
            .take(RECENT_MAX)
            .collect();
        let per_outside = INSIDE.len() * AGAIN.len();
        for numbers in 0..BLENDS / per_outside {
            let first = numbers * per_outside;
            let blend = Blend::number(first);
            let mut scores = findings.outside(blend.led, blend.before);
            let kept: Vec<(usize, f32)> = inside
                .iter()
                .map(|place| (*place, scores[*place]))
                .collect();
            for number in first..first + per_outside {
                let blend = Blend::number(number);
                for (place, outside) in &kept {
                    scores[*place] = blend.place(&all[*place], *outside);
                }
                let own = scores[target];
                let better = scores.iter().filter(|score| **score > own).count();
                if own > 0.0
                    && let Some(gain) = GAINS.get(better)
                {
                    self.gains[number] += gain;
                }
            }
        }
        self.judged += 1;
        if self.judged >= Self::JUDGED_MAX {
            self.judged /= 2;
            self.gains.iter_mut().for_each(|gain| *gain /= 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(slot: Slot, after: f32, before: f32) -> Evidence {
        Evidence {
            slot,
            led: 0.0,
            after,
            before,
            again: None,
        }
    }

    /// Catches: two numbers of one blend, so that another one is never tried.
    #[test]
    fn every_blend_is_another_one() {
        let blends: Vec<Blend> = (0..BLENDS).map(Blend::number).collect();
        for (number, blend) in blends.iter().enumerate() {
            assert!(!blends[..number].contains(blend), "{blend:?}");
        }
    }

    /// Catches: a judge that does not look, and one that never forgets.
    #[test]
    fn the_blend_that_does_best_of_late_is_used() {
        let findings = Findings {
            all: vec![evidence(1, 0.5, 0.0), evidence(2, 0.0, 0.6)],
        };
        let first = |judge: &Judge| {
            let scores: Vec<(Slot, f32)> = judge.best().score(&findings).collect();
            if scores[0].1 > scores[1].1 { 1 } else { 2 }
        };
        let mut judge = Judge::default();
        assert_eq!(first(&judge), 1);
        for _ in 0..100 {
            judge.see(&findings, 2);
        }
        assert_eq!(first(&judge), 2);
        for _ in 0..40_000 {
            judge.see(&findings, 1);
        }
        assert_eq!(first(&judge), 1);
        judge.see(&findings, 99);
        assert_eq!(first(&judge), 1, "what nothing is known of teaches nothing");
    }
}
