//! How rewards are counted while they are on their way, in the agent's way and in plainer ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mercato_actors::optimise::{Arm, Learning};
use mercato_actors::runtime::Timestamp;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp};

use super::regret::{ROUND, RegretOptions, Rewards};

const BEGIN_MS: u64 = 1_600_000_000_000;

/// What is known at a moment, and what is on its way.
pub(super) struct Counts {
    rewards: Rewards,
    window_ms: u64,
    delay_ms: Option<Exp<f64>>,
    pub(super) arms: Vec<Arm>,
    /// The agent's own books, where it keeps them.
    learning: Learning,
    part: u64,
    coming: BinaryHeap<Reverse<Coming>>,
}

/// When which message of which variant becomes known, whether it is rewarded, and when it was sent.
type Coming = (u64, u32, usize, bool, u64);

fn moment(message: u32) -> u64 {
    let round = u64::try_from(ROUND.as_millis()).unwrap_or(u64::MAX);
    BEGIN_MS + u64::from(message) * round
}

impl Counts {
    pub(super) fn new(options: &RegretOptions, rewards: Rewards) -> Self {
        let mean = options.delay_mean.as_secs_f64() * 1_000.0;
        Self {
            rewards,
            window_ms: u64::try_from(options.window.as_millis()).unwrap_or(u64::MAX),
            delay_ms: Exp::new(1.0 / mean).ok(),
            arms: vec![Arm::default(); options.variants],
            learning: Learning::new(options.variants, options.window),
            part: 0,
            coming: BinaryHeap::new(),
        }
    }

    /// Notes what became known before this message. Says whether anything did.
    pub(super) fn pass(&mut self, message: u32) -> bool {
        let now = moment(message);
        let mut changed = false;
        while let Some(Reverse((at, _, variant, rewarded, sent_at))) = self.coming.peek().copied() {
            if at > now {
                break;
            }
            self.coming.pop();
            changed = true;
            let (sent_at, at) = (Timestamp::from_millis(sent_at), Timestamp::from_millis(at));
            match (self.rewards, rewarded) {
                (Rewards::Late, _) => self.learning.rewarded(variant, sent_at, at),
                (Rewards::FailureUntilRewarded, _) => {
                    self.arms[variant].ignored -= 1;
                    self.arms[variant].rewarded += 1;
                }
                (_, true) => self.arms[variant].rewarded += 1,
                (_, false) => self.arms[variant].ignored += 1,
            }
        }
        if self.rewards == Rewards::Late {
            let now = Timestamp::from_millis(now);
            let part = self.learning.part_of_time(now);
            changed |= part != self.part;
            self.part = part;
            if changed {
                self.arms = self.learning.arms(now);
            }
        }
        changed
    }

    /// Notes a message. Says whether that changed what is known.
    pub(super) fn sent(
        &mut self,
        message: u32,
        variant: usize,
        rewarded: bool,
        rng: &mut SmallRng,
    ) -> bool {
        let now = moment(message);
        // Who answers does so within the window: the rate is that of answers that count.
        let delay = self
            .delay_ms
            .filter(|_| rewarded && self.rewards != Rewards::AtOnce);
        let answers_at = delay.map(|delay| {
            let mut after = delay.sample(rng);
            #[allow(clippy::cast_precision_loss)] // milliseconds of a window
            while after > self.window_ms as f64 {
                after = delay.sample(rng);
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the window
            let after = after as u64;
            now + after
        });
        let closes_at = now + self.window_ms;
        match self.rewards {
            Rewards::AtOnce if rewarded => self.arms[variant].rewarded += 1,
            Rewards::AtOnce | Rewards::FailureUntilRewarded => self.arms[variant].ignored += 1,
            Rewards::Late => self.learning.sent(variant, Timestamp::from_millis(now)),
            Rewards::NothingUntilKnown | Rewards::WhenClosed => {}
        }
        let known_at = match self.rewards {
            Rewards::AtOnce => None,
            Rewards::Late | Rewards::FailureUntilRewarded => answers_at,
            Rewards::NothingUntilKnown => Some(answers_at.unwrap_or(closes_at)),
            Rewards::WhenClosed => Some(closes_at),
        };
        if let Some(at) = known_at {
            let coming = (at, message, variant, rewarded, now);
            self.coming.push(Reverse(coming));
        }
        matches!(
            self.rewards,
            Rewards::AtOnce | Rewards::FailureUntilRewarded
        )
    }
}
