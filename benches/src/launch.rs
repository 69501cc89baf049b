//! Parts of a measurement that need a process of their own.
//!
//! Memory can only be counted in a process that has done nothing else, and only a process can be
//! killed. Such a part starts this program again, in a [`Role`](crate::Role).

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::error::{AnyError, BenchError};
use crate::options::{Plan, Role};

/// How this program is started again.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    words_before: Vec<OsString>,
}

impl Launch {
    /// This program, with the words that lead to the measurement: `["bench", "journal"]`.
    ///
    /// # Errors
    /// When the system does not tell which program this is.
    pub fn this_program<W: Into<OsString>>(
        words_before: impl IntoIterator<Item = W>,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            program: std::env::current_exe().map_err(BenchError::NoProgram)?,
            words_before: words_before.into_iter().map(Into::into).collect(),
        })
    }

    /// Starts a process for `role` over `folder`. What it prints can be read.
    pub(crate) fn start(&self, plan: &Plan, role: Role, folder: &Path) -> io::Result<Running> {
        run(self.command(plan.words(role, folder)))
    }

    /// Starts a process with these words that is to be weighed. What it prints can be read.
    pub(crate) fn start_to_weigh(
        &self,
        words: impl IntoIterator<Item = OsString>,
    ) -> io::Result<Running> {
        let mut command = self.command(words);
        // The allocator of the command gives back at once what is freed. Otherwise what the start freed is
        // taken again by what is weighed, and nobody sees that in the memory that is resident.
        command.env("MIMALLOC_PURGE_DELAY", "0");
        run(command)
    }

    fn command(&self, words: impl IntoIterator<Item = OsString>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.words_before).args(words);
        command
    }
}

fn run(mut command: Command) -> io::Result<Running> {
    let mut child = command
        // Closed when this process ends, however it ends: the child waits for that.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let output = child.stdout.take();
    Ok(Running { child, output })
}

/// A process in a role. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    output: Option<ChildStdout>,
}

impl Running {
    /// What it prints.
    pub(crate) fn output(&mut self) -> Result<ChildStdout, AnyError> {
        let taken = || "the output of the process was taken before".into();
        self.output.take().ok_or_else(taken)
    }

    /// Waits for its end, which must be good.
    pub(crate) fn finish(mut self) -> Result<(), AnyError> {
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the process that measures it ended with {status}").into())
        }
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
