//! Which product comes next in a session: learned click by click, and asked at any time.
//!
//! Two methods look at the same sessions. [`nearest`] follows sessions that were like this one;
//! [`ridge`] says which clicks lead to which. What they say is blended, each as a share of its own
//! best. A click counts as soon as it is learned: in the sessions at once, and in the weights of the
//! product that was clicked whenever its clicks have grown by an eighth, which is at once while they
//! are few.
//!
//! Everything is bounded ([`NextItemLimits`]) and a function of the clicks that were learned, in
//! their order: no time, no chance, no sum that depends on how it was reached. One click costs a
//! bounded amount of work: a few sums, at most two small systems of equations, and the sessions that
//! have to go.
//!
//! What is stored is the sessions and the weights; the sums, and which sessions hold a product, are
//! made of the sessions again.

mod blend;
mod counts;
mod fade;
mod items;
mod limits;
mod nearest;
mod ridge;
mod sessions;
mod stored;
mod tally;
mod weights;

use serde::{Deserialize, Serialize};

use self::blend::{Evidence, Findings, Judge};
use self::counts::Counts;
use self::items::{Items, Slot};
pub use self::limits::NextItemLimits;
use self::limits::Tuning;
pub use self::sessions::SessionNumber;
use self::sessions::Sessions;
use self::stored::Stored;
use self::tally::{Tally, keep_greatest};
use self::weights::Weights;
use crate::domain::Sku;

/// Predicts the next product of a session.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Stored")]
pub struct NextItem {
    limits: NextItemLimits,
    tuning: Tuning,
    items: Items,
    sessions: Sessions,
    counts: Counts,
    weights: Weights,
    judge: Judge,
    /// How many clicks were learned.
    learned: u64,
    /// Whose weights are worked out in turn next.
    turn: Slot,
}

impl Serialize for NextItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::of(self).serialize(serializer)
    }
}

impl Default for NextItem {
    fn default() -> Self {
        Self::new(NextItemLimits::default())
    }
}

/// What a [`NextItem`] holds at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextItemSize {
    /// Sessions.
    pub sessions: usize,
    /// Their clicks.
    pub clicks: usize,
    /// Products.
    pub items: usize,
    /// Sums that the weights are worked out of.
    pub sums: usize,
    /// Weights.
    pub weights: usize,
    /// The memory that all of it takes, in bytes, more or less: what is held, without the room that
    /// is kept free for growth.
    pub bytes: usize,
    /// The bytes of the stored form: it has no more.
    pub stored_bytes: usize,
}

impl NextItem {
    /// One that has learned nothing.
    #[must_use]
    pub fn new(limits: NextItemLimits) -> Self {
        Self {
            limits,
            tuning: Tuning::default(),
            items: Items::default(),
            sessions: Sessions::default(),
            counts: Counts::default(),
            weights: Weights::default(),
            judge: Judge::default(),
            learned: 0,
            turn: 0,
        }
    }

    /// What it holds.
    #[must_use]
    pub fn size(&self) -> NextItemSize {
        let (sessions, clicks) = (self.sessions.len(), self.sessions.clicks());
        let (items, sums, weights) = (self.items.len(), self.counts.len(), self.weights.len());
        NextItemSize {
            sessions,
            clicks,
            items,
            sums,
            weights,
            // A click stands in its session and in the list of its product, a weight in a row and in
            // a column; sums are pairs of numbers. A product has its name twice, and six lists.
            bytes: 24 * sessions + 8 * clicks + 256 * items + 8 * sums + 16 * weights,
            stored_bytes: stored::stored_bytes(self),
        }
    }

    /// Learns a click: of the session that is given, where that is still known and has room, and of
    /// a new one otherwise. Returns which.
    pub fn learn(&mut self, session: Option<SessionNumber>, sku: &Sku) -> SessionNumber {
        let slot = self.items.intern(sku);
        self.weights.grow(self.items.slots());
        let open = session.filter(|number| {
            let clicks = self.sessions.get(number.0);
            clicks.is_some_and(|clicks| clicks.len() < self.limits.session_clicks_max)
        });
        let session = open.unwrap_or_else(|| self.sessions.begin());
        self.learned += 1;
        self.judge(session, slot);
        let prefix = self.sessions.get(session.0).unwrap_or(&[]);
        let before = prefix.last().copied();
        self.counts.add(prefix, slot);
        self.sessions.push(session, slot);
        self.forget_what_is_too_much();
        for slot in [Some(slot), before].into_iter().flatten() {
            let (now, then) = (self.counts.clicks(slot), self.weights.clicks(slot));
            if now >= then.saturating_add((then / self.tuning.grown_part).max(1)) {
                self.work_out(slot);
            }
        }
        if self.is_turn(self.tuning.clicks_per_turn) {
            self.take_turn();
        }
        session
    }

    /// What comes next after these products, newest first, best first; each with its score, above 0
    /// and at most 1. `own` is the session itself, where it is being learned: it is not asked about
    /// itself. Products that are not known are passed over, and of a session in which none is known
    /// nothing follows.
    #[must_use]
    pub fn next<'a>(
        &'a self,
        session: impl IntoIterator<Item = &'a Sku>,
        own: Option<SessionNumber>,
        wanted: usize,
    ) -> Vec<(&'a Sku, f32)> {
        let recent = session.into_iter().take(fade::RECENT_MAX);
        let clicks: Vec<Option<Slot>> = recent.map(|sku| self.items.find(sku)).collect();
        let mut scores = self.scored(&clicks, own, wanted);
        if scores.len() < wanted {
            self.go_on_from(&mut scores, own, wanted);
        }
        let best = scores.first().map_or(1.0, |(_, score)| *score);
        let named = scores.into_iter();
        named
            .filter_map(|(slot, score)| Some((self.items.sku(slot)?, score / best)))
            .collect()
    }

    /// The best that come next after these clicks, best first.
    fn scored(
        &self,
        clicks: &[Option<Slot>],
        own: Option<SessionNumber>,
        wanted: usize,
    ) -> Vec<(Slot, f32)> {
        let findings = self.find(clicks, own);
        let mut scores: Vec<(Slot, f32)> = self.judge.best().score(&findings).collect();
        scores.retain(|(_, score)| *score > 0.0);
        keep_greatest(&mut scores, wanted);
        scores
    }

    /// Where too little comes next, what comes after that stands behind it: a product that is seldom
    /// looked at has few neighbours, but they have theirs.
    fn go_on_from(&self, scores: &mut Vec<(Slot, f32)>, own: Option<SessionNumber>, wanted: usize) {
        let from = scores.iter().take(fade::RECENT_MAX);
        let from: Vec<Option<Slot>> = from.map(|(slot, _)| Some(*slot)).collect();
        let mut further = self.scored(&from, own, wanted + from.len());
        further.retain(|(slot, _)| scores.iter().all(|(known, _)| known != slot));
        further.truncate(wanted - scores.len());
        let least = scores.last().map_or(1.0, |(_, score)| *score);
        let most = further.first().map_or(1.0, |(_, score)| *score);
        let behind = 0.99 * least / most;
        scores.extend(
            further
                .into_iter()
                .map(|(slot, score)| (slot, behind * score)),
        );
    }

    /// All that is known of what may come next after these clicks, newest first.
    fn find(&self, clicks: &[Option<Slot>], own: Option<SessionNumber>) -> Findings {
        let own = own.map(|number| number.0);
        let near = nearest::nearest(&self.sessions, clicks, own, &self.tuning);
        let sources = fade::weigh(clicks, self.tuning.weight_fade);
        let leads = sources
            .iter()
            .map(|(source, _)| self.weights.leads(*source).len());
        let told = near.iter().map(nearest::Neighbour::len);
        let keys_max = clicks.len() + leads.sum::<usize>() + told.sum::<usize>();
        let mut tally: Tally<3> = Tally::of(keys_max);
        for slot in clicks.iter().flatten() {
            tally.of_key(*slot);
        }
        for (source, part) in &sources {
            for (target, weight) in self.weights.leads(*source) {
                tally.of_key(*target)[0] += part * weight;
            }
        }
        for neighbour in &near {
            neighbour.tell(self.tuning.place_fade, |slot, weight, is_after| {
                tally.of_key(slot)[if is_after { 1 } else { 2 }] += weight;
            });
        }
        let sums = tally.into_sums().into_iter();
        let all = sums.map(|(slot, [led, after, before])| {
            let age = clicks.iter().position(|click| *click == Some(slot));
            Evidence {
                slot,
                led,
                after,
                before,
                again: age.map(|age| self.counts.again(age)),
            }
        });
        Findings { all: all.collect() }
    }

    /// Judges the blends by the click on `slot`, where it is one's turn.
    fn judge(&mut self, session: SessionNumber, slot: Slot) {
        if !self.is_turn(self.tuning.clicks_per_judgement) {
            return;
        }
        let prefix = self.sessions.get(session.0).unwrap_or(&[]);
        let recent = prefix.iter().rev().take(fade::RECENT_MAX);
        let clicks: Vec<Option<Slot>> = recent.map(|slot| Some(*slot)).collect();
        if !clicks.is_empty() {
            let findings = self.find(&clicks, Some(session));
            self.judge.see(&findings, slot);
        }
    }

    fn is_turn(&self, clicks: u32) -> bool {
        self.learned.is_multiple_of(u64::from(clicks))
    }

    fn forget_what_is_too_much(&mut self) {
        while self.sessions.len() > self.limits.sessions_max
            || self.sessions.clicks() > self.limits.clicks_max
            || self.items.len() > self.limits.items_max
            || stored::stored_bytes(self) > self.limits.stored_bytes_max
        {
            let Some(clicks) = self.sessions.pop() else {
                return;
            };
            self.counts.take_away(&clicks);
            for slot in clicks {
                let holding = self.sessions.holding(slot);
                if holding.is_none_or(std::collections::VecDeque::is_empty) {
                    self.weights.forget(slot);
                    self.items.forget(slot);
                }
            }
        }
    }

    fn work_out(&mut self, target: Slot) {
        let limits = &self.limits;
        let weights = ridge::solve(&self.counts, target, limits.sources_max, self.tuning.ridge);
        let clicks = self.counts.clicks(target);
        self.weights.set(target, clicks, weights, limits);
    }

    /// A product that is no longer clicked would keep the weights of its best days.
    fn take_turn(&mut self) {
        if self.turn as usize >= self.items.slots() {
            self.turn = 0;
        }
        if self.weights.clicks(self.turn) > 0 {
            self.work_out(self.turn);
        }
        self.turn += 1;
    }
}
