//! What was found, as tables for people.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use mercato_actors::optimise::Lift;

use super::{
    CampaignBenchReport, CdnowReplay, Contestant, HillstromReplay, OpenBanditReplay, RailsReport,
    RegretRow, Rewards,
};

impl fmt::Display for CampaignBenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (compared, railed) = self.took;
        write_regret(f, &self.regret)?;
        writeln!(f, "took {:.1} s\n", compared.as_secs_f64())?;
        write!(f, "{}", self.rails)?;
        writeln!(f, "took {:.1} s\n", railed.as_secs_f64())?;
        if let Some(hillstrom) = &self.hillstrom {
            writeln!(f, "{hillstrom}")?;
        }
        if let Some(open_bandit) = &self.open_bandit {
            writeln!(f, "{open_bandit}")?;
        }
        if let Some(cdnow) = &self.cdnow {
            writeln!(f, "{cdnow}")?;
        }
        for file in &self.missing {
            writeln!(f, "skipped: {file} is not in the folder")?;
        }
        Ok(())
    }
}

fn write_regret(f: &mut fmt::Formatter<'_>, rows: &[RegretRow]) -> fmt::Result {
    let mut lines = table(&[
        "who chooses",
        "runs",
        "regret",
        "95 % interval",
        "95th of 100",
    ]);
    for row in rows {
        lines.add_row([
            name(row.contestant),
            row.runs.to_string(),
            format!("{:.1}", row.mean),
            format!("± {:.1}", row.half_width),
            format!("{:.0}", row.p95),
        ]);
    }
    writeln!(
        f,
        "## regret\nrewards lost against the best of ten variants (.10 beside nine of .08) over 60,000 \
         messages; late rewards take 500 minutes on the average and 2,000 at most, at one message a \
         minute; below, 1 in 5 of the runs for what only shows how not to count\n{lines}"
    )?;
    for (ended, right) in rows.iter().filter_map(|row| row.right) {
        writeln!(
            f,
            "the search ended in {ended} runs, {} of them with the best variant",
            percent(right)
        )?;
    }
    Ok(())
}

fn name(contestant: Contestant) -> String {
    match contestant {
        Contestant::BestFixed => "the best variant from the first on".into(),
        Contestant::Uniform => "even shares".into(),
        Contestant::Ucb1 => "UCB1".into(),
        Contestant::EpsilonGreedy(epsilon) => format!("epsilon-greedy, {epsilon:.2}"),
        Contestant::Thompson {
            floor,
            rewards,
            stops,
        } => {
            let counted = match rewards {
                Rewards::AtOnce => "rewards at once",
                Rewards::Late => "late rewards",
                Rewards::FailureUntilRewarded => "late, a failure until rewarded",
                Rewards::NothingUntilKnown => "late, rewards count before failures",
                Rewards::WhenClosed => "late, nothing before the window closes",
            };
            let floor = match floor > 0.0 {
                true => format!(", floor {floor:.2}"),
                false => String::new(),
            };
            let stops = if stops {
                ", stopping rule (as shipped)"
            } else {
                ""
            };
            format!("Mercato, {counted}{floor}{stops}")
        }
    }
}

impl fmt::Display for RailsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = &self.seen;
        let mut lines = table(&["seen by the observer", "messages"]);
        for (what, count) in [
            ("promotional messages sent", seen.promotional),
            ("transactional messages sent", seen.transactional),
            ("without consent", seen.without_consent),
            ("over the cap", seen.over_cap),
            ("in quiet hours", seen.in_quiet_hours),
            ("to a suppressed address", seen.suppressed),
            ("about a paused product", seen.paused),
            ("to somebody with an open complaint", seen.complained),
            ("twice", seen.twice),
            ("without a way to unsubscribe", seen.without_way_out),
        ] {
            lines.add_row([what.to_owned(), count.to_string()]);
        }
        writeln!(
            f,
            "## guard rails\n{} customers in six zones, {} campaigns by mail and SMS over {} virtual days \
             with {} outages of nine hours\n{lines}\nthe shop itself counts {} sent, {} clicked, {} came \
             back, {} called spam",
            self.customers,
            self.campaigns,
            self.days,
            self.outages,
            self.sent,
            self.clicked,
            self.bounced,
            self.complained,
        )?;
        if let Some(largest) = &self.largest {
            writeln!(
                f,
                "its largest campaign: open rate {}, click rate {}, conversion {}, {} left alone, lift {} \
                 (whoever was reached bought {} more often)",
                percent(largest.total.open_rate()),
                percent(largest.total.click_rate()),
                percent(largest.total.conversion_rate()),
                largest.holdout.people,
                interval(largest.lift),
                percent(self.lift_planted),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for HillstromReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arms = table(&["got", "people", "visited", "lift"]);
        for arm in &self.arms {
            arms.add_row([
                arm.name.to_owned(),
                arm.people.to_string(),
                percent(arm.visited),
                arm.lift
                    .map_or_else(String::new, |lift| interval(Some(lift))),
            ]);
        }
        writeln!(f, "## Hillstrom's e-mail experiment\n{arms}")?;
        if let Some(ratio) = self.ratio {
            writeln!(
                f,
                "sample-ratio check of thirds: chance {:.3}",
                ratio.chance
            )?;
        }
        let (rate, half_width) = self.ours;
        writeln!(
            f,
            "Mercato replayed: {} ± {} visited of {:.0} outcomes that it saw, {} of its choices were the \
             best arm",
            percent(rate),
            percent(half_width),
            self.seen,
            percent(self.best_share),
        )?;
        let mut qini = table(&["women's mail to whoever", "Qini, visits per 1,000"]);
        for row in &self.qini {
            qini.add_row([row.rule.to_owned(), format!("{:.2}", row.qini)]);
        }
        writeln!(f, "{qini}")
    }
}

impl fmt::Display for OpenBanditReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut policies = table(&[
            "policy",
            "clicks a view",
            "95 % interval",
            "self-normalised",
        ]);
        for policy in &self.policies {
            policies.add_row([
                policy.policy.to_owned(),
                format!("{:.5}", policy.value),
                format!("± {:.5}", policy.half_width),
                format!("{:.5}", policy.normalised),
            ]);
        }
        writeln!(
            f,
            "## Open Bandit\n{} clicks in {} views; learnt on the first half, weighed on the second by \
             inverse propensity\n{policies}",
            self.clicks, self.views
        )
    }
}

impl fmt::Display for CdnowReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = table(&["segment", "people", "bought again", "dollars each"]);
        for row in &self.segments {
            segments.add_row([
                format!("{:?}", row.segment),
                row.people.to_string(),
                percent(row.again),
                format!("{:.2}", row.spent),
            ]);
        }
        let mut scores = table(&["score", "1", "2", "3", "4", "5"]);
        for (name, rates) in ["recency", "frequency", "money"].iter().zip(&self.by_score) {
            let mut row = vec![(*name).to_owned()];
            row.extend(rates.iter().map(|rate| percent(*rate)));
            scores.add_row(row);
        }
        writeln!(
            f,
            "## CDNOW\n{} customers by their first 39 weeks, and who bought again in the 39 after ({} of \
             all)\n{segments}\n{scores}",
            self.people,
            percent(self.again)
        )
    }
}

fn interval(lift: Option<Lift>) -> String {
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    lift.map_or_else(
        || "unknown".to_owned(),
        |lift| {
            let (low, high) = (points(lift.low), points(lift.high));
            format!("{} points ({low} to {high})", points(lift.points))
        },
    )
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
