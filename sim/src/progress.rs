//! What a simulation tells while it runs.

/// Told how far a simulation is. Called often; must be quick.
pub trait Progress {
    /// A new part of the work begins.
    fn stage(&mut self, stage: &str);
    /// So many visits of so many are over.
    fn visits(&mut self, over: u64, all: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _: &str) {}
    fn visits(&mut self, _: u64, _: u64) {}
}
