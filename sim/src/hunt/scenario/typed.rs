//! Faults and power cuts that somebody types beside a scenario, in the words of its file.

use std::ops::Range;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;

use super::written::{WrittenCut, WrittenFault};
use super::{Reader, Scenario, ScenarioError};

impl Scenario {
    /// The same world with one more fault, typed as `KIND=RATE`, and its window where it has one:
    /// `gateway_busy=0.2,from=30s,until=90s`.
    ///
    /// # Errors
    /// What is wrong with it, in words: a kind that there is not comes with those that there are.
    pub fn with_fault(mut self, typed: &str) -> Result<Self, String> {
        let kind_and_rate = typed.split(',').next().unwrap_or_default();
        let Some((kind, _)) = kind_and_rate.split_once('=') else {
            return Err(format!(
                "`{typed}` is no fault; give KIND=RATE, such as gateway_busy=0.2"
            ));
        };
        // The rate stands beside the kind here, and under a key of its own in a file.
        let parts = format!("kind={kind},rate={}", &typed[kind.len() + 1..]);
        let written: WrittenFault = read(&parts, &["rate"])?;
        let number = self.world.world.faults.faults.len();
        let day = self.world.shop.open_for;
        let fault = with_reader(|reader| reader.fault(number, &written, day))?;
        self.world.world.faults.faults.push(fault);
        Ok(self)
    }

    /// The same world with one more power cut after those that it has, typed as
    /// `after=150s,leaves=torn,dark_for=20s`, or with `operation=N` or `moment=N` in place of `after`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn with_cut(mut self, typed: &str) -> Result<Self, String> {
        let written: WrittenCut = read(typed, &["operation", "moment"])?;
        let day: Duration = self.world.shop.open_for;
        let cut = with_reader(|reader| reader.cut(&Spanned::new(0..0, written), day))?;
        self.world.world.cuts.push(cut);
        Ok(self)
    }
}

/// Reads `key=value` pairs, whose text in quotes is the same in JSON and in TOML, as a scenario's file would have them. Those of `numbers` are no text.
fn read<T: DeserializeOwned>(typed: &str, numbers: &[&str]) -> Result<T, String> {
    let mut lines = String::new();
    for pair in typed.split(',') {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("`{pair}` says nothing; give KEY=VALUE"))?;
        let (key, value) = (key.trim(), value.trim());
        let value = match numbers.contains(&key) {
            true if value.parse::<f64>().is_ok_and(f64::is_finite) => value.to_owned(),
            true => return Err(format!("{key} is `{value}`; give a number")),
            false => Value::String(value.to_owned()).to_string(),
        };
        // A key in quotes is a key whatever it is made of.
        lines.push_str(&format!("{} = {value}\n", Value::String(key.to_owned())));
    }
    toml::from_str(&lines).map_err(|error| error.message().to_owned())
}

/// What was typed has no line that an error could name.
fn with_reader<T>(read: impl FnOnce(&Reader<'_>) -> Result<T, ScenarioError>) -> Result<T, String> {
    let refuse = |_: Range<usize>, problem| ScenarioError {
        file: String::new(),
        line: 0,
        problem,
    };
    read(&Reader { refuse: &refuse }).map_err(|error| error.problem)
}

#[cfg(test)]
mod tests {
    use super::super::SCENARIOS;
    use super::*;
    use crate::lives::{Cut, CutAt, CutLeaves, Fault, FaultKind};

    fn quiet() -> Scenario {
        let (name, text) = SCENARIOS[0];
        Scenario::read(name, text).expect("a scenario")
    }

    /// Catches: a fault or a cut that is typed and comes to another one than in a file.
    #[test]
    fn what_is_typed_is_what_a_file_would_say() {
        let second = Duration::from_secs(1);
        let typed = quiet()
            .with_fault("gateway_busy=0.25,from=30s,until=90s")
            .and_then(|it| it.with_fault("crash_idle=2"))
            .and_then(|it| it.with_cut("after=150s,leaves=torn,dark_for=20s"))
            .and_then(|it| it.with_cut("moment=7"))
            .expect("all of it can be read");
        let fault = |kind, number, rate, from, until| Fault {
            kind,
            number,
            rate,
            from: second * from,
            until: second * until,
        };
        assert_eq!(
            typed.world.world.faults.faults,
            [
                fault(FaultKind::GatewayBusy, 0, 0.25, 30, 90),
                fault(FaultKind::CrashIdle, 1, 2.0, 0, 600),
            ]
        );
        let cut = |at, leaves, dark| Cut {
            at,
            leaves,
            dark_for: second * dark,
        };
        assert_eq!(
            typed.world.world.cuts,
            [
                cut(CutAt::Time(second * 150), CutLeaves::Torn, 20),
                cut(CutAt::Moment(7), CutLeaves::Garbage, 5),
            ]
        );
    }

    /// Catches: nonsense that is taken for something, and an error that helps nobody.
    #[test]
    fn what_is_typed_wrong_is_refused_with_a_remedy() {
        let faults = [
            ("ghosts=1", "hang_shard"),
            ("gateway_busy", "give KIND=RATE"),
            ("gateway_busy=-0.2", "give 0.0 to 1.0"),
            ("gateway_busy=2", "give 0.0 to 1.0"),
            ("gateway_busy=often", "give a number"),
            ("gateway_busy=nan", "give a number"),
            ("crash_idle=1000", "give 0.0 to 600.0"),
            ("gateway_busy=0.2,until=9h", "give 0ns to 600s"),
            ("gateway_busy=0.2,from=60s,until=30s", "come after from"),
            ("gateway_busy=0.2,from=600s", "come after from"),
            ("crash_idle=600", "some 6000 strikes; give 5000 at most"),
            ("gateway_busy=0.2,form=3s", "unknown field `form`"),
        ];
        for (typed, expected) in faults {
            let refused = quiet().with_fault(typed).expect_err(typed);
            assert!(refused.contains(expected), "{typed}: {refused}");
        }
        let cuts = [
            ("leaves=torn", "`after`, `operation` and `moment`"),
            ("after=9s,moment=3", "`after`, `operation` and `moment`"),
            ("after=9h", "give 0ns to 600s"),
            ("moment=-1", "integer"),
            ("after=9s,leaves=half", "nothing, everything"),
            ("soon", "give KEY=VALUE"),
        ];
        for (typed, expected) in cuts {
            let refused = quiet().with_cut(typed).expect_err(typed);
            assert!(refused.contains(expected), "{typed}: {refused}");
        }
    }
}
