//! What came next in sessions like this one.
//!
//! VSTAN (Ludewig, Mauro, Latifi and Jannach, *Empirical analysis of session-based recommendation
//! algorithms*, User Modeling and User-Adapted Interaction 31, 2021) joins VSKNN, which weighs the
//! session's own clicks by their age, with STAN (Garg et al., SIGIR 2019), which weighs a neighbour's
//! clicks by their distance from where the two sessions meet. Here what a neighbour clicked after
//! that place and before it is told apart: how much the latter is worth differs from shop to shop.

use super::fade::weigh;
use super::items::Slot;
use super::limits::Tuning;
use super::sessions::Sessions;
use super::tally::{Tally, keep_greatest};

/// The clicks of one near session, where it meets the query, and how much it counts.
pub(super) struct Neighbour<'a> {
    clicks: &'a [Slot],
    meets_at: usize,
    weight: f32,
}

impl Neighbour<'_> {
    pub(super) fn len(&self) -> usize {
        self.clicks.len()
    }

    /// Hands out each click that is not where the sessions meet, by its weight and by whether it
    /// came after that.
    pub(super) fn tell(&self, fade: f32, mut hear: impl FnMut(Slot, f32, bool)) {
        let mut weight = self.weight;
        for after in &self.clicks[self.meets_at + 1..] {
            weight *= fade;
            hear(*after, weight, true);
        }
        let mut weight = self.weight;
        for before in self.clicks[..self.meets_at].iter().rev() {
            weight *= fade;
            hear(*before, weight, false);
        }
    }
}

/// The sessions most like the one whose clicks are given, newest first. The session `own`, where it
/// is among those known, is not its own neighbour.
pub(super) fn nearest<'a>(
    sessions: &'a Sessions,
    clicks: &[Option<Slot>],
    own: Option<u32>,
    tuning: &Tuning,
) -> Vec<Neighbour<'a>> {
    let query = weigh(clicks, tuning.near_fade);
    let mut likeness: Tally<1> = Tally::of(tuning.compared_max);
    let mut left = tuning.compared_max;
    for (slot, weight) in &query {
        let Some(holding) = sessions.holding(*slot) else {
            continue;
        };
        let part = weight * rarity(sessions.len(), holding.len());
        let latest = tuning.sessions_per_item_max.min(left);
        for number in holding.iter().rev().take(latest) {
            if Some(*number) != own {
                likeness.of_key(*number)[0] += part;
            }
        }
        left -= latest.min(holding.len());
    }
    // A long session holds much by chance. Dividing by the root of its length, as the cosine does,
    // goes too far on every set that was looked at: the root of the root it is.
    let mut near: Vec<(u32, f32)> = likeness
        .into_sums()
        .into_iter()
        .map(|(number, [sum])| {
            let length = sessions.get(number).map_or(1, <[Slot]>::len);
            // What is new counts more: shoppers and shelves change.
            let place = number.wrapping_sub(sessions.first()) as f32 / sessions.len() as f32;
            let recency = 1.0 - tuning.recency + tuning.recency * place;
            (number, recency * sum / (length as f32).sqrt().sqrt())
        })
        .collect();
    keep_greatest(&mut near, tuning.near_max);
    let near = near.into_iter();
    near.filter_map(|(number, likeness)| {
        let clicks = sessions.get(number)?;
        // The newest product of the query that the session holds, and the last click on it.
        let (meets_at, part) = query.iter().find_map(|(slot, part)| {
            let place = clicks.iter().rposition(|click| click == slot)?;
            Some((place, *part))
        })?;
        Some(Neighbour {
            clicks,
            meets_at,
            weight: likeness * part,
        })
    })
    .collect()
}

/// How much more a product says that few sessions hold: the root of the number of times that their
/// number can be doubled until it is that of all. Roots and whole logarithms are the same on every
/// machine; the natural logarithm of the usual weight (Spärck Jones, 1972) need not be.
fn rarity(all: usize, holding: usize) -> f32 {
    let times = (all / holding.max(1)).max(1);
    ((1 + times.ilog2()) as f32).sqrt()
}
