//! Synthetic shoppers, calibrated from real transactions.
//!
//! Pure and seeded: nothing here reads a clock, a file or the machine's randomness; whoever calls
//! passes the generator in, so one seed gives one population.
//!
//! - [`Calibration`] holds what a [`Dataset`](crate::data::Dataset) says: what sells, how much, when.
//! - [`CatalogueSampler`] draws products, quantities and whole baskets from it.
//! - [`Population`] says who the shoppers are; [`arrivals`] says when their sessions begin.
//! - [`Walk`] is one session: a path over the [`Graph`] of the shopper's [`Persona`].

mod arrivals;
mod empirical;
mod error;
mod graph;
mod identity;
mod persona;
mod personas;
mod profile;
mod sampler;
mod session;
mod walk;

pub use arrivals::arrivals;
pub use empirical::Empirical;
pub use error::ShopperError;
pub use graph::{Graph, State, Transitions};
pub use identity::{Jurisdiction, Population, SHOPPERS_MAX, Shopper};
pub use persona::{Persona, SupportTopic};
pub use personas::default_personas;
pub use profile::{Calibration, CalibrationOptions, CappedCounts, HourProfile};
pub use sampler::CatalogueSampler;
pub use session::{SessionFigures, SessionModel};
pub use walk::{Action, Step, Walk};
