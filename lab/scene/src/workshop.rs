// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that scenarios need: machines of one kernel, modules and programs.

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    time::SystemTime,
};

use lab_base::{Error, Result, paths::Paths};
use lab_build::{
    kernels::{Kernel, Which},
    modules::{self, Strictness},
    programs::{self, GuestPrograms},
};
use lab_console::{KernelReport, Place, Source};
pub use lab_machine::Start;
use lab_machine::{Machines, Site, qemu::Launch};

use crate::subject::{Debug, Part, Subject};

/// Everything that is needed to carry out scenarios with one kernel: its machines, the subject
/// under test, and the programs for the guest.
#[derive(Clone)]
pub struct Workshop {
    machines: Machines,
    /// The modules and programs under test.
    pub subject: Subject,
    /// The programs for the guest.
    programs: GuestPrograms,
}

impl Deref for Workshop {
    type Target = Machines;

    fn deref(&self) -> &Machines {
        &self.machines
    }
}

impl DerefMut for Workshop {
    fn deref_mut(&mut self) -> &mut Machines {
        &mut self.machines
    }
}

impl Workshop {
    /// Find the kernel and build all programs.
    ///
    /// # Errors
    /// A missing prerequisite with the command that provides it; a program that does not compile.
    pub fn open(which: Option<Which>, start: Start) -> Result<Self> {
        Self::open_with(&programs::all(), which, start)
    }

    /// The same with the agent and the programs of some packages, for a demonstration.
    ///
    /// # Errors
    /// As [`Workshop::open`].
    pub fn open_with(packages: &[&str], which: Option<Which>, start: Start) -> Result<Self> {
        let paths = Paths::find()?;
        let kernel = Kernel::find(&paths, which)?;
        let programs = programs::build(&paths, packages)?;
        Self::with(paths, kernel, programs, start)
    }

    /// The same with the programs that were built before.
    ///
    /// # Errors
    /// A missing prerequisite with the command that provides it.
    pub fn open_built(which: Option<Which>, start: Start) -> Result<Self> {
        let paths = Paths::find()?;
        let kernel = Kernel::find(&paths, which)?;
        let programs = programs::built(&paths)?;
        Self::with(paths, kernel, programs, start)
    }

    fn with(paths: Paths, kernel: Kernel, programs: GuestPrograms, start: Start) -> Result<Self> {
        let agent = programs.path(programs::AGENT)?;
        Ok(Workshop {
            machines: Machines::new(Site::new(paths, kernel, agent), start),
            subject: Subject::default(),
            programs,
        })
    }

    /// Use programs that were built since, in place of those of the same name.
    pub fn replace_programs(&mut self, programs: GuestPrograms) {
        self.programs.extend(programs);
    }

    /// The same for a submission, with another directory for the consoles of crashes.
    pub fn trying(&self, subject: Subject, consoles: &Path) -> Self {
        Workshop {
            subject,
            machines: self.machines.with_consoles(consoles),
            programs: self.programs.clone(),
        }
    }

    /// The `.ko` of a submitted module, or otherwise of `kernel/`, which is built.
    ///
    /// # Errors
    /// [`Error::Compile`], or [`Error::Absent`].
    pub fn module(&self, name: &str) -> Result<PathBuf> {
        match self.subject.modules.get(name) {
            Some(part) => handed_in(name, part),
            None => self.own_module(name),
        }
    }

    /// Build this checkout's module of `kernel/`, even if a submission is tried, and return its
    /// `.ko`.
    ///
    /// # Errors
    /// [`Error::Compile`].
    pub fn own_module(&self, name: &str) -> Result<PathBuf> {
        self.module_in(&self.paths.checkout.join("kernel").join(name))
    }

    /// Build a module of `lab/fixtures/`. These test the harness and the modules.
    ///
    /// # Errors
    /// [`Error::Compile`].
    pub fn fixture(&self, name: &str) -> Result<PathBuf> {
        self.module_in(&self.paths.checkout.join("lab/fixtures").join(name))
    }

    /// Build the module in a directory and return its `.ko`.
    ///
    /// # Errors
    /// [`Error::Compile`].
    pub fn module_in(&self, source: &Path) -> Result<PathBuf> {
        modules::build(&self.paths, &self.kernel, source, Strictness::Normal)
    }

    /// The source line of a report from a machine of this workshop, if it can be found.
    pub fn source_of(&self, report: &KernelReport) -> Option<Source> {
        self.source_at(report.place.as_ref()?)
    }

    /// The source line of a place in a module, if it can be found.
    pub fn source_at(&self, place: &Place) -> Option<Source> {
        if let Some(part) = self.subject.modules.get(&place.module) {
            return source_in(part, place);
        }
        modules::source_of(&self.paths, &self.kernel, place, SystemTime::now())
    }

    /// All modules of `kernel/`, by the directories that have a `Kbuild`.
    ///
    /// # Errors
    /// [`Error::Compile`] for the first that does not compile.
    pub fn all_modules(&self, strictness: Strictness) -> Result<Vec<PathBuf>> {
        let kernel = self.paths.checkout.join("kernel");
        let what = || Error::io(format!("reading {}", kernel.display()));
        let mut found = Vec::new();
        for entry in fs::read_dir(&kernel).map_err(what())? {
            let path = entry.map_err(what())?.path();
            if path.join("Kbuild").exists() {
                found.push(path);
            }
        }
        found.sort();
        found
            .iter()
            .map(|source| modules::build(&self.paths, &self.kernel, source, strictness))
            .collect()
    }

    /// A program for the guest: a submitted one, or otherwise this checkout's.
    ///
    /// # Errors
    /// [`Error::Absent`], or [`Error::Missing`] if a program of this checkout is not built.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        match self.subject.programs.get(name) {
            Some(part) => handed_in(name, part),
            None => self.programs.path(name),
        }
    }

    /// All programs for the guest, without those of the harness.
    pub fn all_programs(&self) -> Vec<PathBuf> {
        let all = self.programs.of_students();
        all.map(|(_, path)| path.to_owned()).collect()
    }

    /// The QEMU of an interactive shell whose guest has all modules and programs.
    ///
    /// # Errors
    /// A module that does not compile; the errors of [`Machines::boot`].
    pub fn shell(&self) -> Result<Launch> {
        let mut extra = self.all_modules(Strictness::Normal)?;
        extra.extend(self.all_programs());
        self.machines.shell(&extra)
    }
}

/// The guest's file of a submitted part.
fn handed_in(name: &str, part: &Part) -> Result<PathBuf> {
    match part {
        Part::Built { file, .. } => Ok(file.clone()),
        Part::Missing(why) => Err(Error::Absent {
            name: name.to_owned(),
            why: why.clone(),
        }),
    }
}

/// The source line of a submitted module, by the file's path in the submission.
fn source_in(part: &Part, place: &Place) -> Option<Source> {
    let Part::Built {
        debug: Some(Debug { object, sources }),
        ..
    } = part
    else {
        return None;
    };
    let is_theirs = |file: &str| Path::new(file).starts_with(sources);
    let source = lab_console::locate(place, &fs::read(object).ok()?, is_theirs)?;
    let file = source.file.strip_prefix(sources).ok()?.to_owned();
    Some(Source { file, ..source })
}
