//! What a failure policy promises: the error table row by row, and what stands around it.
// The scaffolding is shared with the tests of the facade, and names that.
extern crate mercato_runtime as mercato;

mod around;
mod book;
mod breaker;
mod flows;
mod kinds;
mod limits;
mod table;
mod tokens;
mod world;
