//! sim

pub mod data;
pub mod shopper;
