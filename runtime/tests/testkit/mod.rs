//! What the test kit promises those who test with it: it fails where it should, in words, and nowhere
//! else.
// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

mod faults;
mod given;
mod leaks;
mod ports;
mod probes;
mod world;
