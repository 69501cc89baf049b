//! What people see of a runtime: one trace over all that follows from one thing, metrics that say
//! what was done, and nobody's name in any of it.
mod desk;
mod levels;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(all(feature = "shop", feature = "prometheus", feature = "otlp"))]
mod personal;
pub(crate) mod seen;
#[cfg(all(feature = "shop", feature = "prometheus"))]
mod served;
#[cfg(feature = "shop")]
mod town;
mod traces;
