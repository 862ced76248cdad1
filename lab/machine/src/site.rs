// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel, agent and directories that machines and sandboxes share.

use std::path::{Path, PathBuf};

use lab_base::{Result, paths::Paths, run_directory::RunDirectory};
use lab_build::kernels::Kernel;

/// A kernel, the agent of its machines, and the directories for both.
#[derive(Clone, Debug)]
pub struct Site {
    /// The directories of the lab.
    pub paths: Paths,
    /// The kernel of its machines.
    pub kernel: Kernel,
    /// The agent, the first program of a guest.
    agent: PathBuf,
    /// Directory for the consoles of crashes.
    consoles: PathBuf,
}

impl Site {
    /// A site whose consoles are kept in `build/consoles/`.
    pub fn new(paths: Paths, kernel: Kernel, agent: PathBuf) -> Self {
        Site {
            consoles: paths.build.join("consoles"),
            paths,
            kernel,
            agent,
        }
    }

    /// The same, with another directory for the consoles of crashes.
    pub fn with_consoles(&self, consoles: &Path) -> Self {
        Site {
            consoles: consoles.to_owned(),
            ..self.clone()
        }
    }

    /// The agent, the first program of a guest.
    pub fn agent(&self) -> &Path {
        &self.agent
    }

    /// The file for the console of a crash.
    pub fn console_file(&self, name: &str) -> PathBuf {
        self.consoles
            .join(format!("{}.log", name.replace('/', "-")))
    }

    /// A directory for one machine or sandbox.
    ///
    /// # Errors
    /// [`lab_base::Error::Io`].
    pub fn run_directory(&self) -> Result<RunDirectory> {
        RunDirectory::new(&self.paths.build.join("run"))
    }
}
