// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with the machinery itself. What goes wrong inside a scenario is a
//! verdict in its record.

use std::{io, path::PathBuf, process::Command};

/// The harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a pipe.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// Something has to be set up first.
    #[error("{what}\n  to mend it: {mend}")]
    Missing {
        /// What is missing.
        what: String,
        /// The exact command that mends it.
        mend: String,
    },
    /// A tool ended with an error.
    #[error("{what} failed ({status})\n{output}")]
    Tool {
        /// What it was to do.
        what: String,
        /// Its exit status.
        status: String,
        /// What it said.
        output: String,
    },
    /// Code under test does not compile: the compiler's words, with paths as in the checkout.
    #[error("{what} does not compile\n{output}")]
    Compile {
        /// Module or programs.
        what: String,
        /// What the compiler said.
        output: String,
    },
    /// A part of what was handed in is not there, or could not be built.
    #[error("{name}: {why}")]
    Absent {
        /// Module or program.
        name: String,
        /// In one line.
        why: String,
    },
    /// A machine did not come up.
    #[error("the machine did not start: {why}\n{excerpt}  whole console: {}", .console.display())]
    Boot {
        /// What happened instead.
        why: String,
        /// The end of its console, or the kernel's report.
        excerpt: String,
        /// Where the whole console is.
        console: PathBuf,
    },
    /// There is not enough room on a disk.
    #[error("{what} takes {needed_mib} MiB in {}, where {free_mib} MiB are free", .place.display())]
    Space {
        /// What takes the room.
        what: String,
        /// How much of it.
        needed_mib: u64,
        /// How much there is.
        free_mib: u64,
        /// Where.
        place: PathBuf,
    },
    /// A rubric that cannot be understood, or does not fit the checks that there are.
    #[error("{}, line {line}: {what}", .file.display())]
    Rubric {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// What was expected there and what was found.
        what: String,
    },
    /// A tool printed something that cannot be understood.
    #[error("{0}")]
    Unexpected(String),
}

/// Result with the harness's own [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err`: an I/O error, with what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

/// Run a command to its end and return its stdout.
///
/// # Errors
/// [`Error::Io`] if it cannot be started, [`Error::Tool`] with all it said if it fails.
pub fn output_of(what: &str, command: &mut Command) -> Result<String> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(Error::io(format!(
            "{what}: {}",
            command.get_program().display()
        )))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let said = stdout + &String::from_utf8_lossy(&output.stderr);
    Err(Error::Tool {
        what: what.into(),
        status: output.status.to_string(),
        output: said,
    })
}
