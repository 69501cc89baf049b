//! `mercato config`: checks a configuration file, and shows what is in force.

use std::fmt::Write;
use std::path::Path;

use mercato_actors::ShopConfig;
use mercato_actors::config::{ConfigError, Loaded, PREFIX, Sources, load, reference};

use crate::args::{ConfigArgs, ConfigTask};
use crate::output::print;

/// Does what was asked; what is wrong with a configuration is an error.
pub(crate) fn run(args: &ConfigArgs) -> Result<bool, String> {
    match &args.task {
        ConfigTask::Check { file } => {
            let loaded = loaded(Some(file))?;
            let (of_file, of_environment) = loaded.said();
            let mut told = format!(
                "{}: valid; it sets {of_file} keys, and the environment {of_environment}\n",
                file.display()
            );
            for (key, known) in loaded.config.foreign_names() {
                let known = known.join(", ");
                let _ = writeln!(
                    told,
                    "note: {key} is for a program that has one of that name: the shop has {known}"
                );
            }
            print(&told)?;
        }
        ConfigTask::Show { defaults: true, .. } => print(&reference::<ShopConfig>())?,
        ConfigTask::Show { file, .. } => print(&loaded(file.as_deref())?.show())?,
    }
    Ok(true)
}

/// The configuration of a file, if one is named, and of the environment.
pub(crate) fn loaded(file: Option<&Path>) -> Result<Loaded<ShopConfig>, String> {
    let sources = file.map_or_else(Sources::nothing, Sources::file);
    let sources = sources.with_environment(environment()?);
    load(&sources).map_err(|error: ConfigError| error.to_string())
}

/// The environment variables that are meant for the configuration.
fn environment() -> Result<Vec<(String, String)>, String> {
    std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with(PREFIX))
        .map(|(name, value)| {
            let name = name.to_string_lossy().into_owned();
            let value = value.into_string();
            let value = value.map_err(|_| format!("{name} is no UTF-8 text; set it anew"))?;
            Ok((name, value))
        })
        .collect()
}
