//! The command line of `mercato flows`.

use std::path::{Path, PathBuf};

use clap::Subcommand;

/// What a flow's state is called, in the order of its life.
const STATES: [&str; 8] = [
    "running",
    "parked",
    "undoing",
    "stuck",
    "completed",
    "reverted",
    "failed",
    "cancelled",
];

#[derive(Debug, clap::Args)]
pub(crate) struct FlowsArgs {
    #[command(subcommand)]
    pub(crate) task: FlowsTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlowsTask {
    /// Lists the flows that have not ended, and those that have and wait for a person.
    ///
    /// Nothing goes on meanwhile: what is `running` or `undoing` waits for the next start of the shop.
    /// `parked` sleeps until a timer wakes it, and `stuck` cannot go on.
    List(ListArgs),
    /// Prints the work list: what flows could not do, and a person must see to.
    ///
    /// An undo that was given up, and a flow that nobody waited for and that failed, can be retried or
    /// resolved. A flow that is stuck goes on when what stops it is mended, or is cancelled.
    Work(WorkArgs),
    /// Prints all about one flow: its state, what it waits for, and what became of its undos.
    Show {
        #[command(flatten)]
        which: Which,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Cancels a flow: it takes no further step, and undoes itself.
    ///
    /// The request is durable when the command ends, and is carried out by the next start of the shop,
    /// which alone reaches gateways.
    Cancel {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        request: Request,
        /// Why. It is kept for good, and shown: name no person in it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Has something on the work list tried again: an undo, or a flow that failed.
    ///
    /// An undo has one effect, however often it runs. A flow begins anew with the input that it had,
    /// once nothing is left of its last attempt. Carried out by the next start of the shop.
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        request: Request,
        /// The step whose undo was given up. Without it: the flow itself.
        #[arg(long, value_name = "STEP")]
        step: Option<String>,
    },
    /// Takes something off the work list that a person has settled: an undo, or a flow that failed.
    Resolve {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        request: Request,
        /// The step whose undo was given up. Without it: the flow itself.
        #[arg(long, value_name = "STEP")]
        step: Option<String>,
        /// How it was settled. It is kept for good, and shown: name no person in it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl FlowsTask {
    /// The journal that it works on.
    pub(crate) fn file(&self) -> &Path {
        match self {
            Self::List(args) => &args.file,
            Self::Work(args) => &args.file,
            Self::Show { which, .. }
            | Self::Cancel { which, .. }
            | Self::Retry { which, .. }
            | Self::Resolve { which, .. } => &which.file,
        }
    }

    /// The shop's configuration, where it is one that records something and was given.
    pub(crate) fn config(&self) -> Option<&Path> {
        match self {
            Self::List(_) | Self::Work(_) | Self::Show { .. } => None,
            Self::Cancel { request, .. }
            | Self::Retry { request, .. }
            | Self::Resolve { request, .. } => request.config.as_deref(),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The journal, which no other process may have open.
    pub(crate) file: PathBuf,
    /// Only flows of this name, such as `fulfil`.
    #[arg(long, value_name = "NAME")]
    pub(crate) flow: Option<String>,
    /// Only flows in this state. Can be given more than once.
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    pub(crate) state: Vec<String>,
    /// How many are printed at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Prints one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// The journal, which no other process may have open.
    pub(crate) file: PathBuf,
    /// Only flows of this name, such as `fulfil`.
    #[arg(long, value_name = "NAME")]
    pub(crate) flow: Option<String>,
    /// How much is printed at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Prints one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One flow of a journal.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The journal, which no other process may have open.
    pub(crate) file: PathBuf,
    /// The flow's name, such as `fulfil`.
    pub(crate) flow: String,
    /// Which one of that name, such as `o0-11`.
    pub(crate) id: String,
}

/// What all that is recorded has in common.
#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    /// Who asks for it. It is kept with the request.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    pub(crate) by: String,
    /// The shop's configuration, for the limits of its journal. Without it every first reply that the
    /// journal has is kept.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
