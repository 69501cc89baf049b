//! Synthetic shoppers, virtual time and the laws: a client of the shop, like any other.
//!
//! [`simulate`] opens a shop, sends a day of shoppers through it while its agents are crashed, lets
//! it settle, opens it anew over the same store, and holds the laws against what the outside saw.
//! In virtual time everything runs on one thread under a clock that jumps, and one seed gives the
//! same [`Report`] every time.

pub mod data;
pub mod hunt;
pub mod lives;
pub mod shop;
pub mod shopper;

mod audit;
mod backtest;
mod campaign;
mod crashes;
mod disk;
mod error;
mod evaluate;
mod intents;
mod law;
mod laws;
mod merchant;
mod observer;
mod options;
mod outside;
mod price_books;
mod progress;
mod report;
mod run;
mod stocking;
mod targets;
mod visit;
mod world;

pub use audit::{Books, OrderBook, StockBook, audit};
pub use backtest::{
    BacktestError, BacktestReport, Contender, Coverage, Evaluation, PooledFactors, backtest,
};
pub use campaign::{
    ArmRow, Breaches, CampaignBenchError, CampaignBenchOptions, CampaignBenchReport, CdnowReplay,
    Contestant, HillstromReplay, OpenBanditReplay, Plant, PolicyValue, QiniRow, RailsOptions,
    RailsReport, RegretOptions, RegretRow, Rewards, SegmentRow, campaign_bench, guard_rails,
    regret,
};
pub use disk::{DrawnPace, MemoryDisk};
pub use error::SimulationError;
pub use evaluate::{
    Measured, NextItemReport, RecommendDataError, SetReport, evaluate_recommendations,
};
pub use intents::{
    IntentEvaluation, IntentReport, IntentsError, OutOfScope, evaluate_intents, read_labelled_file,
};
pub use law::Verdict;
pub use observer::{Acknowledgement, Observer, Outcome, Request, Seen};
pub use options::{Mode, SimulationOptions};
pub use outside::{Outside, RemotePayments};
pub use price_books::PriceBooks;
pub use progress::{Progress, Silent};
pub use report::{Business, PriceChanges, Report};
pub use run::simulate;
pub use targets::{Target, targets};
