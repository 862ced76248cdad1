// SPDX-License-Identifier: MIT OR Apache-2.0
//! What machines and sandboxes of one kernel have in common: where things are.

use std::path::{Path, PathBuf};

use lab_base::{Result, paths::Paths, run_directory::RunDirectory};
use lab_build::kernels::Kernel;

/// A kernel, what runs in its machines first, and where things are kept.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where things are.
    pub paths: Paths,
    /// The kernel of its machines.
    pub kernel: Kernel,
    /// What runs in the guest before anything else.
    agent: PathBuf,
    /// Directory that consoles are kept in.
    consoles: PathBuf,
}

impl Site {
    /// One whose consoles are kept in `build/consoles/`.
    pub fn new(paths: Paths, kernel: Kernel, agent: PathBuf) -> Self {
        Site {
            consoles: paths.build.join("consoles"),
            paths,
            kernel,
            agent,
        }
    }

    /// The same, with the consoles of crashes in a directory of its own.
    pub fn with_consoles(&self, consoles: &Path) -> Self {
        Site {
            consoles: consoles.to_owned(),
            ..self.clone()
        }
    }

    /// What runs in the guest before anything else.
    pub fn agent(&self) -> &Path {
        &self.agent
    }

    /// Where the console of a crash is kept.
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
