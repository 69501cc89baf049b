//! One TOML file for a whole program: typed, described, and checked as a whole.
//!
//! A [`Configuration`] is a struct whose fields are sections. A section is the options struct of
//! whoever uses it, with `serde` and `schemars` derived, so that there is one place for a value's
//! type, default, range and description. This crate knows none of them: it reads a file and the
//! environment into any such struct ([`load`]), tells everything that is wrong at once
//! ([`InvalidConfig`]), shows what is in force and who said it ([`Loaded::show`]), writes the file
//! that describes every key ([`reference()`]), and reads it again while the program works ([`Live`]).
//!
//! How values are written: a time `"30s"`, `"1h 30m"` or `"7d"`; a size `"64 MiB"`, `"1 MB"` or a
//! number of bytes; `"none"` for an optional value that is not to be there.

mod environment;
mod key;
mod load;
mod problem;
mod read;
mod reference;
mod reload;
mod schema;
mod secret;
mod show;
mod source;
mod text;
mod tree;
mod write;

pub use environment::PREFIX;
pub use key::Key;
pub use load::{Configuration, Contradiction, Loaded, Sources, load};
pub use problem::{ConfigError, InvalidConfig, Origin, Problem};
pub use reference::{Described, described, reference};
pub use reload::{Change, Live, ReloadError};
pub use secret::{Secret, SecretError, SecretSource};
pub use source::FILE_BYTES_MAX;
