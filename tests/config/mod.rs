//! What one configuration file promises: every key described, everything wrong told at once, one
//! order of precedence, and a reload that is whole or not at all.

mod files;
mod intents;
mod mistakes;
mod precedence;
mod reference;
mod reload;
mod round_trip;
mod secrets;

use mercato::actors::ShopConfig;
use mercato::config::{ConfigError, Loaded, Problem, Sources, load};

/// Reads a text as the file `shop.toml`.
fn read(text: &str) -> Result<Loaded<ShopConfig>, ConfigError> {
    load(&Sources::text("shop.toml", text))
}

/// Reads a text with environment variables over it.
fn read_under(text: &str, variables: &[(&str, &str)]) -> Result<Loaded<ShopConfig>, ConfigError> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(&Sources::text("shop.toml", text).with_environment(variables))
}

#[track_caller]
fn is_read(text: &str) -> Loaded<ShopConfig> {
    read(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Everything that is wrong, one line each.
#[track_caller]
fn problems(read: Result<Loaded<ShopConfig>, ConfigError>) -> Vec<Problem> {
    match read {
        Err(ConfigError::Invalid(invalid)) => invalid.problems,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[track_caller]
fn lines(read: Result<Loaded<ShopConfig>, ConfigError>) -> Vec<String> {
    problems(read).iter().map(ToString::to_string).collect()
}
