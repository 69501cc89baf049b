//! Scenario files: a world that somebody wrote down, in TOML.

mod typed;
mod written;

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use self::written::{Written, WrittenCut, WrittenFault, WrittenShop};
use super::{Drawn, HuntOptions};
use crate::lives::{Cut, CutAt, CutLeaves, Fault, FaultPlan, RateUnit, WorldPlan};
use crate::options::Mode;
use crate::shop::{Rush, ShopPlan};

/// The scenarios that come with the program, by name.
pub const SCENARIOS: [(&str, &str); 8] = [
    ("quiet_day", include_str!("../../scenarios/quiet_day.toml")),
    (
        "black_friday",
        include_str!("../../scenarios/black_friday.toml"),
    ),
    (
        "flaky_payments",
        include_str!("../../scenarios/flaky_payments.toml"),
    ),
    (
        "rolling_crashes",
        include_str!("../../scenarios/rolling_crashes.toml"),
    ),
    (
        "dying_disk",
        include_str!("../../scenarios/dying_disk.toml"),
    ),
    ("hot_sku", include_str!("../../scenarios/hot_sku.toml")),
    (
        "midnight_promotion",
        include_str!("../../scenarios/midnight_promotion.toml"),
    ),
    (
        "gateway_outage",
        include_str!("../../scenarios/gateway_outage.toml"),
    ),
];

/// The most strikes a minute.
const A_MINUTE_MAX: f64 = 600.0;
/// The most strikes of a fault, on the average: half of those after which a world lets it rest.
const STRIKES_MAX: f64 = 5_000.0;
/// How long whoever wants something may wait beyond the day.
const PATIENCE: Duration = Duration::from_secs(12 * 3_600);
const SETTLES_WITHIN: Duration = Duration::from_secs(60 * 86_400);

/// A world that somebody wrote down.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub about: String,
    /// The world, whose seed another one may take the place of.
    pub world: Drawn,
}

/// What is wrong with a scenario file, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub problem: String,
}

impl Scenario {
    /// Reads a scenario; `file` stands for it in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and a remedy.
    pub fn read(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let refuse = |at: Range<usize>, problem: String| ScenarioError {
            file: file.into(),
            line: text[..at.start.min(text.len())].matches('\n').count() + 1,
            problem,
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            let problem = error.message().to_owned();
            refuse(error.span().unwrap_or(0..0), problem)
        })?;
        let read = Reader { refuse: &refuse };
        let shop = read.shop(&written.shop, *written.seed.get_ref())?;
        let day = shop.open_for;
        let cuts = written.cut.iter().map(|cut| read.cut(cut, day));
        let faults = written.fault.iter().enumerate();
        let faults = faults.map(|(number, fault)| read.fault(number, fault, day));
        let world = WorldPlan {
            seed: shop.seed,
            cuts: cuts.collect::<Result<_, _>>()?,
            faults: FaultPlan {
                faults: faults.collect::<Result<_, _>>()?,
            },
            day,
            answered_within: day + PATIENCE,
            mode: Mode::Virtual,
            settles_within: SETTLES_WITHIN,
            timeline_lines: super::TIMELINE_LINES,
        };
        Ok(Self {
            about: written.about,
            world: Drawn { shop, world },
        })
    }

    /// The same world, drawn from another seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.world.shop.seed = seed;
        self.world.world.seed = seed;
        self
    }

    /// The same world, with what holds for all worlds of a hunt.
    #[must_use]
    pub fn with(mut self, options: &HuntOptions) -> Self {
        self.world.world.timeline_lines = options.timeline_lines;
        #[cfg(feature = "planted-bugs")]
        {
            self.world.shop.planted = options.planted;
        }
        self
    }
}

struct Reader<'a> {
    refuse: &'a dyn Fn(Range<usize>, String) -> ScenarioError,
}

impl Reader<'_> {
    /// A value within its range.
    fn within<T: PartialOrd + Copy + fmt::Debug>(
        &self,
        key: &str,
        value: &Spanned<T>,
        from: T,
        to: T,
    ) -> Result<T, ScenarioError> {
        let found = *value.get_ref();
        if from <= found && found <= to {
            return Ok(found);
        }
        let problem = format!("{key} is {found:?}; give {from:?} to {to:?}");
        Err((self.refuse)(value.span(), problem))
    }

    fn time(
        &self,
        key: &str,
        value: &Spanned<String>,
        from: Duration,
        to: Duration,
    ) -> Result<Duration, ScenarioError> {
        let refuse = |problem: String| (self.refuse)(value.span(), problem);
        let text = value.get_ref();
        let parsed: Option<jiff::SignedDuration> = text.parse().ok();
        let time = parsed.and_then(|time| Duration::try_from(time).ok());
        let time = time.ok_or_else(|| {
            refuse(format!(
                "{key} is `{text}`; give a time such as 90s, 15m or 24h"
            ))
        })?;
        if from <= time && time <= to {
            return Ok(time);
        }
        Err(refuse(format!(
            "{key} is `{text}`; give {from:?} to {to:?}"
        )))
    }

    fn shop(&self, shop: &WrittenShop, seed: u64) -> Result<ShopPlan, ScenarioError> {
        const SECOND: Duration = Duration::from_secs(1);
        const HOUR: Duration = Duration::from_secs(3_600);
        let some = |count: usize| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        let every = |key: &str, value: &Option<Spanned<String>>| {
            let every = value.as_ref();
            let every = every.map(|every| self.time(key, every, SECOND, HOUR * 24));
            every.transpose()
        };
        let rush = match &shop.rush_at {
            Some(at) => Rush::At(self.within("rush_at", at, 0.0, 1.0)?),
            None => Rush::Steady,
        };
        let snapshot_every = self.within("snapshot_every", &shop.snapshot_every, 1, 1_000_000)?;
        Ok(ShopPlan {
            seed,
            shoppers: self.within("shoppers", &shop.shoppers, 1, 1_000_000)?,
            open_for: self.time("open_for", &shop.open_for, SECOND, HOUR * 24 * 31)?,
            rush,
            fills_percent: self.within("fills_percent", &shop.fills_percent, 0, 100)?,
            abandons_percent: self.within("abandons_percent", &shop.abandons_percent, 0, 100)?,
            think_max: self.time("think_max", &shop.think_max, Duration::ZERO, HOUR)?,
            products: self.within("products", &shop.products, 1, 10_000)?,
            hot_percent: self.within("hot_percent", &shop.hot_percent, 0, 100)?,
            stock_units: self.within("stock_units", &shop.stock_units, 1, 100_000)?,
            line_units_max: self.within("line_units_max", &shop.line_units_max, 1, 100)?,
            delivery_every: every("delivery_every", &shop.delivery_every)?,
            price_change_every: every("price_change_every", &shop.price_change_every)?,
            quote_lifetime: self.time("quote_lifetime", &shop.quote_lifetime, SECOND, HOUR)?,
            change_for: self.time("change_for", &shop.change_for, SECOND, HOUR * 24)?,
            follow_up_after: self.time(
                "follow_up_after",
                &shop.follow_up_after,
                SECOND,
                HOUR * 72,
            )?,
            lead_time: self.time("lead_time", &shop.lead_time, SECOND, HOUR * 24 * 30)?,
            snapshot_every: NonZeroU64::new(snapshot_every).unwrap_or(NonZeroU64::MIN),
            shards: some(self.within("shards", &shop.shards, 1, 64)?),
            entities_max: some(self.within("entities_max", &shop.entities_max, 1, 1_000_000)?),
            mailbox_max: some(self.within("mailbox_max", &shop.mailbox_max, 8, 100_000)?),
            tail_records_max: self.within(
                "tail_records_max",
                &shop.tail_records_max,
                1,
                1_000_000,
            )?,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        })
    }

    fn cut(&self, cut: &Spanned<WrittenCut>, day: Duration) -> Result<Cut, ScenarioError> {
        let refuse = |problem: &str| (self.refuse)(cut.span(), problem.to_owned());
        let WrittenCut {
            after,
            operation,
            moment,
            leaves,
            dark_for,
        } = cut.get_ref();
        let at = match (after, operation, moment) {
            (Some(after), None, None) => {
                CutAt::Time(self.time("after", after, Duration::ZERO, day)?)
            }
            (None, Some(nth), None) => {
                CutAt::DiskOperation(self.within("operation", nth, 1, 1_000_000_000)?)
            }
            (None, None, Some(nth)) => {
                CutAt::Moment(self.within("moment", nth, 1, 1_000_000_000)?)
            }
            _ => return Err(refuse("say one of `after`, `operation` and `moment`")),
        };
        let leaves = match leaves.as_deref() {
            None => CutLeaves::Garbage,
            Some(name) => {
                let mut all = CutLeaves::ALL.into_iter();
                let named = all.find(|it| format!("{it:?}").to_lowercase() == name);
                named.ok_or_else(|| {
                    refuse(
                        "leaves must be nothing, everything, prefix, subset, sectors, torn or garbage",
                    )
                })?
            }
        };
        let dark_for = match dark_for {
            Some(dark) => self.time(
                "dark_for",
                dark,
                Duration::ZERO,
                Duration::from_secs(86_400),
            )?,
            None => Duration::from_secs(5),
        };
        Ok(Cut {
            at,
            leaves,
            dark_for,
        })
    }

    fn fault(
        &self,
        number: usize,
        fault: &WrittenFault,
        day: Duration,
    ) -> Result<Fault, ScenarioError> {
        const NEVER: &str = "until must come after from, or the fault never strikes";
        let from = match &fault.from {
            Some(from) => self.time("from", from, Duration::ZERO, day)?,
            None => Duration::ZERO,
        };
        let refuse = |at: Range<usize>, problem: String| Err((self.refuse)(at, problem));
        let until = match &fault.until {
            Some(until) => {
                let last = until.span();
                let until = self.time("until", until, Duration::ZERO, day)?;
                if until <= from {
                    return refuse(last, NEVER.to_owned());
                }
                until
            }
            // Where nothing is said it is the end of the day.
            None if from >= day => {
                let at = fault.from.as_ref().map_or(0..0, Spanned::span);
                return refuse(at, NEVER.to_owned());
            }
            None => day,
        };
        let by_the_clock = fault.kind.unit() == RateUnit::AMinute;
        let most = if by_the_clock { A_MINUTE_MAX } else { 1.0 };
        let rate = self.within("rate", &fault.rate, 0.0, most)?;
        let minutes = (until - from).as_secs_f64() / 60.0;
        if by_the_clock && rate * minutes > STRIKES_MAX {
            let problem = format!(
                "rate is {rate:?} a minute for {minutes:.0} minutes, which is some {:.0} strikes; give \
                 {STRIKES_MAX:.0} at most, by a lower rate or a shorter window",
                rate * minutes
            );
            return refuse(fault.rate.span(), problem);
        }
        Ok(Fault {
            kind: fault.kind,
            number,
            rate,
            from,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lives::FaultKind;

    /// Catches: a scenario that comes with the program and cannot be read.
    #[test]
    fn every_scenario_can_be_read() {
        for (name, text) in SCENARIOS {
            let scenario = Scenario::read(name, text);
            assert!(scenario.is_ok(), "{scenario:?}");
        }
    }

    /// Catches: a scenario that makes sense on the machine's clock and is refused, and one whose clock is
    /// to jump there.
    #[test]
    fn every_scenario_is_lived_on_the_machines_clock_unless_that_is_to_jump() {
        let lives = |(name, text): (&'static str, &str)| {
            let scenario = Scenario::read(name, text).expect("a scenario");
            let live = scenario.world.world.live();
            (name, live.map(|plan| plan.mode == Mode::Live))
        };
        for (name, live) in SCENARIOS.map(lives) {
            let expected = match name {
                "midnight_promotion" => Err(vec![FaultKind::ClockJump]),
                _ => Ok(true),
            };
            assert_eq!(live, expected, "{name}");
        }
    }

    /// Catches: input that is taken for something else, and an error without its line or a remedy.
    #[test]
    fn what_is_wrong_is_told_with_its_line_and_a_remedy() {
        let (_, sound) = SCENARIOS[2];
        let cases = [
            (
                "shoppers =",
                "shopers =",
                "unknown field `shopers`, expected",
            ),
            ("seed =", "seed = 'one' #", "whole number"),
            ("rate = 0.", "rate = -0.", "give 0.0 to 1.0"),
            ("until = \"4m\"", "until = \"9h\"", "give 0ns to"),
            ("until = \"4m\"", "until = \"soon\"", "90s, 15m or 24h"),
            (
                "kind = \"gateway_unknown\"",
                "kind = \"ghosts\"",
                "gateway_unknown",
            ),
        ];
        for (right, wrong, expected) in cases {
            let at = sound.find(right).unwrap_or_else(|| panic!("{right}"));
            let line = sound[..at].matches('\n').count() + 1;
            let broken = sound.replacen(right, wrong, 1);
            let error = Scenario::read("f.toml", &broken).expect_err(wrong);
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.line, line, "{error}");
        }
    }
}
