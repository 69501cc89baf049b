//! The `mercato` command.
fn main() {}
