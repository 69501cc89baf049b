#![doc = include_str!("../README.md")]

pub use mercato_config as config;
pub use mercato_persistence as persistence;
pub use mercato_runtime::*;
pub use mercato_supervisor as supervisor;

#[cfg(feature = "shop")]
pub use mercato_actors as actors;
#[cfg(feature = "sim")]
pub use mercato_sim as sim;
