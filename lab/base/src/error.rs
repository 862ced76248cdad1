// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of the machinery itself. A failure inside a scenario is a verdict in its record.

use std::{io, path::PathBuf, process::Command};

/// The harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a pipe.
    #[error("{what}: {source}")]
    Io {
        /// The action that failed.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// A prerequisite is missing.
    #[error("{what}\n  to mend it: {mend}")]
    Missing {
        /// The missing thing.
        what: String,
        /// The exact command that provides it.
        mend: String,
    },
    /// A tool ended with an error.
    #[error("{what} failed ({status})\n{output}")]
    Tool {
        /// The action of the tool.
        what: String,
        /// Its exit status.
        status: String,
        /// Its output.
        output: String,
    },
    /// Code under test does not compile. The compiler's output has paths as in the checkout.
    #[error("{what} does not compile\n{output}")]
    Compile {
        /// Module or programs.
        what: String,
        /// The compiler's output.
        output: String,
    },
    /// A part of the submission is missing, or could not be built.
    #[error("{name}: {why}")]
    Absent {
        /// Module or program.
        name: String,
        /// The reason in one line.
        why: String,
    },
    /// A machine did not come up.
    #[error("the machine did not start: {why}\n{excerpt}  whole console: {}", .console.display())]
    Boot {
        /// The reason.
        why: String,
        /// The end of its console, or the kernel's report.
        excerpt: String,
        /// Path of the whole console.
        console: PathBuf,
    },
    /// A disk has too little free space.
    #[error("{what} takes {needed_mib} MiB in {}, where {free_mib} MiB are free", .place.display())]
    Space {
        /// The thing that needs the space.
        what: String,
        /// The space that it needs.
        needed_mib: u64,
        /// The free space.
        free_mib: u64,
        /// The directory.
        place: PathBuf,
    },
    /// A rubric that cannot be parsed, or that does not fit the checks.
    #[error("{}, line {line}: {what}", .file.display())]
    Rubric {
        /// The file.
        file: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// The expected text and the text that was found.
        what: String,
    },
    /// The user has ended the work.
    #[error("interrupted")]
    Interrupted,
    /// The output of a tool cannot be parsed.
    #[error("{0}")]
    Unexpected(String),
}

/// Result with the harness's own [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err`: an I/O error, with the action that failed.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

/// Run a command to its end and return its stdout.
///
/// # Errors
/// [`Error::Io`] if it cannot be started, [`Error::Tool`] with its whole output if it fails.
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
