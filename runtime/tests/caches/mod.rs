//! What a cache promises: one load for all, true answers only, and a bound.
// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

mod agents;
mod one;
