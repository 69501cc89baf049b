//! How a campaign learns which of its variants is best, and how sure it may be of it.
//!
//! | module | what | after |
//! |---|---|---|
//! | `thompson` | which variant a message carries | Thompson 1933; Chapelle and Li 2011 |
//! | `learning` | rewards that come late: a message counts when its reward arrives or its window closes | Chapelle 2014; Joulani et al. 2013 |
//! | `stopping` | when the search may end | Scott 2010, "potential value remaining" |
//! | `ratio` | whether variants reached people in the shares in which they were drawn | Fabijan et al. 2019 |
//! | `lift` | what the campaign itself is worth, against people who were left alone | Newcombe 1998 |
//!
//! All of it is pure: randomness and time are arguments. `mercato bench campaign` measures this very
//! code.

mod learning;
mod lift;
mod ratio;
mod stopping;
mod thompson;

pub use learning::Learning;
pub use lift::{Group, Lift, lift};
pub use ratio::{SampleRatio, sample_ratio};
pub use stopping::{Outlook, outlook};
pub use thompson::{Arm, Choice, Posteriors, choose};
