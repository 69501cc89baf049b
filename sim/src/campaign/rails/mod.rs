//! A long campaign through the real agent in virtual time, and what the observer of it saw.
//!
//! Customers of six zones agree, change their minds, buy, complain and unsubscribe; two dozen campaigns
//! by mail and SMS begin at all hours; gateways are busy and lose answers; addresses bounce; products
//! are paused; and the shop goes down for hours while messages wait.

mod life;
mod town;

use mercato_actors::CampaignReport;

use self::town::Town;
use super::watch::Breaches;
use crate::error::SimulationError;

/// How much more often somebody buys who was written to.
const MOVED: f64 = 0.10;

/// A rail that is taken away on purpose, to see whether the observer notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Nothing is wrong.
    None,
    /// The shop forgets when somebody withdraws their consent.
    Consent,
    /// The shop sends more than it promised.
    Cap,
    /// The shop knows no quiet hours.
    QuietHours,
    /// The shop takes its own clock for everybody's.
    Zone,
    /// The shop does not hear of pauses.
    Pause,
    /// The shop does not hear of complaints.
    Complaint,
    /// The shop's texts do not say how to get no more of them.
    WayOut,
}

/// The set-up.
#[derive(Debug, Clone)]
pub struct RailsOptions {
    /// Draws everything.
    pub seed: u64,
    /// How many customers there are.
    pub customers: u32,
    /// How many days it takes.
    pub days: u32,
    /// How many campaigns there are.
    pub campaigns: u32,
    /// How often the shop goes down for nine hours.
    pub outages: u32,
    /// What is wrong.
    pub plant: Plant,
}

impl Default for RailsOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            customers: 250,
            days: 60,
            campaigns: 24,
            outages: 3,
            plant: Plant::None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RailsReport {
    /// How long it took, in virtual days.
    pub days: u32,
    /// How many customers there were.
    pub customers: u32,
    /// How many campaigns.
    pub campaigns: u32,
    /// How often the shop went down.
    pub outages: u32,
    /// What the observer counted.
    pub seen: Breaches,
    /// All campaigns together, as the shop knows them.
    pub sent: u32,
    /// Their clicks.
    pub clicked: u32,
    /// Their bounces.
    pub bounced: u32,
    /// Their complaints.
    pub complained: u32,
    /// The report of the campaign with the most messages.
    pub largest: Option<CampaignReport>,
    /// How much more often who was written to bought, as the simulation made it.
    pub lift_planted: f64,
}

/// Runs the long campaign on one thread under a paused clock.
///
/// # Errors
/// When the shop does not open or cannot be asked.
pub fn guard_rails(options: &RailsOptions) -> Result<RailsReport, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    runtime.block_on(Box::pin(async {
        let mut town = Town::open(options).await?;
        town.settle_in().await?;
        for (at, event) in town.plan() {
            town.pass_until(at).await?;
            town.happen(event).await?;
        }
        town.report().await
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(plant: Plant) -> RailsReport {
        let options = RailsOptions {
            customers: 24,
            days: 16,
            campaigns: 12,
            outages: 1,
            plant,
            ..RailsOptions::default()
        };
        guard_rails(&options).expect("a town")
    }

    /// Catches: a promotional message without consent, over the cap, at night, to who complained or is
    /// suppressed, of a paused product, without a way out, or twice; also over an outage.
    #[test]
    fn the_rails_hold() {
        let report = small(Plant::None);
        assert_eq!(report.seen.broken(), 0, "{report:?}");
        assert!(report.seen.promotional > 50, "{report:?}");
        assert_eq!(
            u64::from(report.sent),
            report.seen.promotional,
            "{report:?}"
        );
        assert!(report.seen.transactional > 5, "{report:?}");
    }

    /// Catches: an observer that sees nothing. Each rail is taken away once.
    #[test]
    fn a_rail_that_is_missing_is_noticed() {
        type Counted = fn(&Breaches) -> u64;
        let planted: [(Plant, Counted); 7] = [
            (Plant::Consent, |seen| seen.without_consent),
            (Plant::Cap, |seen| seen.over_cap),
            (Plant::QuietHours, |seen| seen.in_quiet_hours),
            (Plant::Zone, |seen| seen.in_quiet_hours),
            (Plant::Pause, |seen| seen.paused),
            (Plant::Complaint, |seen| seen.complained),
            (Plant::WayOut, |seen| seen.without_way_out),
        ];
        for (plant, counted) in planted {
            let seen = small(plant).seen;
            assert!(counted(&seen) > 0, "{plant:?} {seen:?}");
        }
    }
}
