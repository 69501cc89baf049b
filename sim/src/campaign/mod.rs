//! How well campaigns are run: what the optimiser loses while it learns, whether the guard rails
//! hold, and what the same code makes of real campaigns.
//!
//! | part | what |
//! |---|---|
//! | `regret` | the optimiser beside UCB1, epsilon-greedy, even shares and the best variant, over many seeded runs |
//! | `rails` | a long campaign through the real agent in virtual time, watched by somebody who knows nothing of it |
//! | `hillstrom`, `open_bandit`, `cdnow` | real campaigns and purchases, replayed |

mod cdnow;
mod hillstrom;
mod late;
mod open_bandit;
mod rails;
mod regret;
mod replay;
mod table;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::SimulationError;

pub use cdnow::{CdnowReplay, SegmentRow};
pub use hillstrom::{ArmRow, HillstromReplay, QiniRow};
pub use open_bandit::{OpenBanditReplay, PolicyValue};
pub use rails::{Plant, RailsOptions, RailsReport, guard_rails};
pub use regret::{Contestant, RegretOptions, RegretRow, Rewards, regret};
pub use watch::Breaches;

/// Why campaigns could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignBenchError {
    /// The folder holds nothing to replay.
    #[error("{folder} holds none of {}; name the folder that does", replay::FILES.join(", "))]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("{file}: {problem}; fetch it again")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The long campaign could not be simulated.
    #[error(transparent)]
    Rails(#[from] SimulationError),
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct CampaignBenchOptions {
    /// How often each contestant runs.
    pub runs: u32,
    /// Draws everything.
    pub seed: u64,
    /// Small enough for a test; the figures mean nothing.
    pub quick: bool,
    /// A folder with real campaigns.
    pub data: Option<PathBuf>,
}

/// What was found. Its text is tables for people.
#[derive(Debug, Clone)]
pub struct CampaignBenchReport {
    /// What each contestant lost.
    pub regret: Vec<RegretRow>,
    /// What the observer of the long campaign saw.
    pub rails: RailsReport,
    /// The e-mail experiment.
    pub hillstrom: Option<HillstromReplay>,
    /// The logged policies.
    pub open_bandit: Option<OpenBanditReplay>,
    /// The cohort of buyers.
    pub cdnow: Option<CdnowReplay>,
    /// Files that are not in the folder.
    pub missing: Vec<&'static str>,
    /// How long the comparison and the long campaign took.
    pub took: (Duration, Duration),
}

/// Measures all of it. `elapsed` tells the time.
///
/// # Errors
/// When the shop cannot be opened, or the folder holds nothing or something unreadable.
pub fn campaign_bench(
    options: &CampaignBenchOptions,
    elapsed: &dyn Fn() -> Duration,
) -> Result<CampaignBenchReport, CampaignBenchError> {
    // First what can be wrong with what the user said.
    let replays = options
        .data
        .as_deref()
        .map(|folder| replays(folder, options.seed));
    let (hillstrom, open_bandit, cdnow, missing) = replays.transpose()?.unwrap_or_default();
    let began = elapsed();
    let mut choosing = RegretOptions {
        runs: options.runs,
        seed: options.seed,
        ..RegretOptions::default()
    };
    let mut long = RailsOptions {
        seed: options.seed,
        ..RailsOptions::default()
    };
    if options.quick {
        choosing.messages = 1_000;
        long = RailsOptions {
            customers: 12,
            days: 12,
            campaigns: 4,
            outages: 1,
            ..long
        };
    }
    let regret = regret(&choosing);
    let compared = elapsed();
    let rails = guard_rails(&long)?;
    Ok(CampaignBenchReport {
        regret,
        rails,
        hillstrom,
        open_bandit,
        cdnow,
        missing,
        took: (
            compared.saturating_sub(began),
            elapsed().saturating_sub(compared),
        ),
    })
}

type Replays = (
    Option<HillstromReplay>,
    Option<OpenBanditReplay>,
    Option<CdnowReplay>,
    Vec<&'static str>,
);

fn replays(folder: &Path, seed: u64) -> Result<Replays, CampaignBenchError> {
    let mut missing = Vec::new();
    let mut find = |file| {
        let path = replay::find(folder, file);
        if path.is_none() {
            missing.push(file);
        }
        path
    };
    let [hillstrom, open_bandit, cdnow] = replay::FILES.map(&mut find);
    let found = (
        hillstrom
            .map(|path| hillstrom::replay(&path, seed))
            .transpose()?,
        open_bandit
            .map(|path| open_bandit::replay(&path, seed))
            .transpose()?,
        cdnow.map(|path| cdnow::replay(&path)).transpose()?,
        missing,
    );
    if found.3.len() == replay::FILES.len() {
        let folder = folder.to_owned();
        return Err(CampaignBenchError::NoData { folder });
    }
    Ok(found)
}
