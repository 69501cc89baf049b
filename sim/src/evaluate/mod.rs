//! How well agents do, on real data and under the protocols of those who published it.

mod recommend;

pub use recommend::{
    Measured, NextItemReport, RecommendDataError, SetReport, evaluate_recommendations,
};
