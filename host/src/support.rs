//! `mercato support`: trains the classifier of Customer Support, and tries it.

use std::fs::File;
use std::io::{BufRead, ErrorKind, Write};
use std::path::Path;

use mercato_actors::Redactor;
use mercato_actors::carried_questions;
use mercato_actors::intents::{IntentModel, Labelled, OUT_OF_SCOPE, TrainOptions, train};
use mercato_sim::read_labelled_file;

use crate::args::{SupportArgs, SupportTask};
use crate::output::print;

/// The longest question that is read from standard input, in bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn run(args: &SupportArgs) -> Result<bool, String> {
    match &args.task {
        SupportTask::Train { data, out, seed } => train_model(data, out, *seed)?,
        SupportTask::Classify { model, question } => classify(model.as_deref(), question)?,
    }
    Ok(true)
}

fn train_model(data: &Path, out: &Path, seed: u64) -> Result<(), String> {
    // Before the work, and not after it.
    if out.exists() {
        return Err(format!("{} exists; name another file", out.display()));
    }
    let of_data = |error: &dyn std::fmt::Display| format!("{}: {error}", data.display());
    let examples = read_labelled_file(data).map_err(|error| error.to_string())?;
    let model = learn(&examples, seed).map_err(|error| of_data(&error))?;
    let bytes = model.to_bytes();
    let created = File::create_new(out).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    created.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{} exists; name another file", out.display()),
        _ => format!("{} cannot be written: {error}", out.display()),
    })?;
    print(&format_args!(
        "{}: {} labels and {} features from {} questions, in {} bytes\n",
        out.display(),
        model.labels().len(),
        model.features(),
        examples.len(),
        bytes.len()
    ))
}

/// A few hundred questions are learnt from as the carried ones are.
fn learn(
    examples: &[Labelled],
    seed: u64,
) -> Result<IntentModel, mercato_actors::intents::LabelledError> {
    const SMALL: usize = 2_000;
    let options = match examples.len() < SMALL {
        true => TrainOptions::SMALL,
        false => TrainOptions::default(),
    };
    train(examples, TrainOptions { seed, ..options })
}

fn classify(model: Option<&Path>, questions: &[String]) -> Result<(), String> {
    let model = match model {
        Some(path) => read_model(path)?,
        None => carried_questions()
            .and_then(|carried| train(&carried, TrainOptions::SMALL))
            .map_err(|error| error.to_string())?,
    };
    let redactor = Redactor::default();
    let tell = |question: &str| {
        let taken_for = model.predict(question);
        let label = match taken_for.out_of_scope {
            true => OUT_OF_SCOPE,
            false => model.label(taken_for.class).unwrap_or(OUT_OF_SCOPE),
        };
        let shown = redactor.redact(question);
        print(&format_args!(
            "{label}\t{:.3}\t{shown}\n",
            taken_for.confidence
        ))
    };
    if !questions.is_empty() {
        return questions.iter().try_for_each(|question| tell(question));
    }
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read =
            std::io::Read::take(&mut input, LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => tell(String::from_utf8_lossy(&line).trim())?,
            Err(error) => return Err(format!("the questions cannot be read: {error}")),
        }
    }
}

fn read_model(path: &Path) -> Result<IntentModel, String> {
    IntentModel::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
