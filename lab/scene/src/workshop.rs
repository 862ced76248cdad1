// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where machines and what runs in them come from, for one kernel.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    grade::build::MODULE_SOURCES,
    machine::Machine,
    probe::{self, Finding},
    qemu::Launch,
    scene::{Ended, Scenario, perform},
    subject::{Part, Subject},
    transcript::{Entry, Status},
    vng::{self, Guest},
    warm,
};
use lab_base::{Error, Result, paths::Paths, progress, run_directory::RunDirectory};
use lab_build::{
    kernels::{Kernel, Which},
    modules::{self, Care},
    programs::{self, Programs},
    root,
};
use lab_console::{Place, Report, Source};

/// How a machine comes to life. Scenarios cannot tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Start {
    /// It boots, through virtme-ng.
    Cold,
    /// It goes on from where another, which has booted once, was saved.
    #[default]
    Warm,
}

/// Everything that is needed to boot machines with one kernel.
#[derive(Clone)]
pub struct Workshop {
    /// Where things are.
    pub paths: Paths,
    /// The kernel of its machines.
    pub kernel: Kernel,
    /// How its machines come to life.
    pub start: Start,
    /// What its scenarios try.
    pub subject: Subject,
    /// The programs for the guest.
    programs: Programs,
    /// What runs in the guest before anything else.
    agent: PathBuf,
    /// Directory that consoles are kept in.
    consoles: PathBuf,
    pub(crate) kept: warm::Kept,
}

impl Workshop {
    /// Find the kernel and build all programs.
    ///
    /// # Errors
    /// What is missing, with the command that brings it; or a program does not compile.
    pub fn open(which: Option<Which>, start: Start) -> Result<Self> {
        Self::open_with(&programs::ALL, which, start)
    }

    /// The same with the agent and the programs of some packages: all that a demonstration needs.
    ///
    /// # Errors
    /// As [`Workshop::open`].
    pub fn open_with(packages: &[&str], which: Option<Which>, start: Start) -> Result<Self> {
        let paths = Paths::find()?;
        let kernel = Kernel::find(&paths, which)?;
        let programs = programs::build(&paths, packages)?;
        Self::with(paths, kernel, programs, start)
    }

    /// The same with the programs that are there.
    ///
    /// # Errors
    /// What is missing, with the command that brings it.
    pub fn open_built(which: Option<Which>, start: Start) -> Result<Self> {
        let paths = Paths::find()?;
        let kernel = Kernel::find(&paths, which)?;
        let programs = programs::built(&paths)?;
        Self::with(paths, kernel, programs, start)
    }

    fn with(paths: Paths, kernel: Kernel, programs: Programs, start: Start) -> Result<Self> {
        Ok(Workshop {
            consoles: paths.build.join("consoles"),
            subject: Subject::default(),
            paths,
            kernel,
            start,
            agent: programs.path(programs::AGENT)?,
            programs,
            kept: warm::Kept::default(),
        })
    }

    /// The same, to try what was handed in, with the consoles of crashes in a directory of its own.
    pub fn trying(&self, subject: Subject, consoles: &Path) -> Self {
        Workshop {
            subject,
            consoles: consoles.to_owned(),
            ..self.clone()
        }
    }

    /// The `.ko` of a module that was handed in, or else of `kernel/`, which is built.
    ///
    /// # Errors
    /// [`Error::Compile`], or [`Error::Absent`].
    pub fn module(&self, name: &str) -> Result<PathBuf> {
        match self.subject.modules.get(name) {
            Some(part) => handed_in(name, part),
            None => self.own_module(name),
        }
    }

    /// Build a module of `kernel/`, whoever's is tried, and return its `.ko`.
    ///
    /// # Errors
    /// [`Error::Compile`].
    pub fn own_module(&self, name: &str) -> Result<PathBuf> {
        self.module_in(&self.paths.checkout.join("kernel").join(name))
    }

    /// Build a module of `lab/fixtures/`, which are for testing the harness and the modules.
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
        modules::build(&self.paths, &self.kernel, source, Care::Normal)
    }

    /// The line of the source that a report of a machine of ours speaks of, if that can be found
    /// out.
    pub fn source_of(&self, report: &Report) -> Option<Source> {
        let place = report.place.as_ref()?;
        if let Some(part) = self.subject.modules.get(&place.module) {
            return source_in(part, place);
        }
        modules::source_of(&self.paths, &self.kernel, place, SystemTime::now())
    }

    /// All modules of `kernel/`, by the directories that have a `Kbuild`.
    ///
    /// # Errors
    /// [`Error::Compile`] for the first that does not compile.
    pub fn all_modules(&self, care: Care) -> Result<Vec<PathBuf>> {
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
            .map(|source| modules::build(&self.paths, &self.kernel, source, care))
            .collect()
    }

    /// A program for the guest: one that was handed in, or else ours.
    ///
    /// # Errors
    /// [`Error::Absent`], or [`Error::Missing`] of one of ours that is not built.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        match self.subject.programs.get(name) {
            Some(part) => handed_in(name, part),
            None => self.programs.path(name),
        }
    }

    /// What runs in the guest before anything else.
    pub fn agent(&self) -> PathBuf {
        self.agent.clone()
    }

    /// All programs for the guest, those of the harness left out.
    pub fn all_programs(&self) -> Vec<PathBuf> {
        let all = self.programs.of_students();
        all.map(|(_, path)| path.to_owned()).collect()
    }

    /// Where the console of a crash is kept.
    pub fn console_file(&self, name: &str) -> PathBuf {
        self.consoles
            .join(format!("{}.log", name.replace('/', "-")))
    }

    /// What the first boot of this kernel has found out; boots now if there was none yet.
    ///
    /// # Errors
    /// As [`Workshop::boot`].
    pub fn finding(&self) -> Result<Finding> {
        let file = probe::file(&self.paths, &self.kernel)?;
        if let Some(finding) = probe::recall(&file) {
            return Ok(finding);
        }
        drop(self.boot()?);
        probe::recall(&file)
            .ok_or_else(|| Error::Unexpected(format!("{} was not kept", file.display())))
    }

    /// A pristine machine. Where there is no room to save one, it is booted.
    ///
    /// # Errors
    /// As [`Workshop::boot`].
    pub fn machine(&self) -> Result<Machine> {
        if self.start == Start::Cold {
            return self.boot();
        }
        let finding = self.finding()?;
        let warm = progress::while_busy(&format!("starting {}", self.kernel), || {
            warm::Slot::new(self, &finding)?.machine()
        });
        match warm {
            Err(error @ Error::Space { .. }) => {
                eprintln!("{error}; machines are booted instead");
                self.boot()
            }
            result => result,
        }
    }

    /// Restore the saved machine, without a second attempt.
    ///
    /// # Errors
    /// As [`Workshop::boot`].
    pub fn restore_once(&self) -> Result<Machine> {
        warm::Slot::new(self, &self.finding()?)?.restore()
    }

    /// What the saved machine takes up on disk.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none.
    pub fn saved_bytes(&self) -> Result<u64> {
        warm::Slot::new(self, &self.finding()?)?.bytes()
    }

    /// Carry out a scenario on a pristine machine, as [`Workshop::carry_out_on`] does.
    ///
    /// # Errors
    /// As [`Workshop::boot`]: the machinery failed before the scenario could begin.
    pub fn carry_out(
        &self,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(&Entry),
    ) -> Result<Ended> {
        self.carry_out_on(&mut None, scenario, seed, watch)
    }

    /// Carry out a scenario on the machine that was kept from the one before, or on a new one; it
    /// is kept if it can be used again. If the machine is lost, once more on another: what was
    /// observed first has gone to `watch` too.
    ///
    /// # Errors
    /// As [`Workshop::boot`]: the machinery failed before the scenario could begin.
    pub fn carry_out_on(
        &self,
        kept: &mut Option<Machine>,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(&Entry),
    ) -> Result<Ended> {
        let mut once = || {
            let mut machine = match kept.take() {
                Some(machine) => machine,
                None => self.machine()?,
            };
            let ended = perform(scenario, self, &mut machine, seed, watch);
            *kept = ended.healthy.then_some(machine);
            Ok(ended)
        };
        let ended = once()?;
        if ended.transcript.status() != Status::Error {
            return Ok(ended);
        }
        eprintln!("{}: once more, on another machine", scenario.id);
        once()
    }

    /// Boot a machine through virtme-ng.
    ///
    /// # Errors
    /// [`Error::Boot`] with what its console says; what is missing; a full disk.
    pub fn boot(&self) -> Result<Machine> {
        let agent = self.agent();
        let root = root::build(&self.paths, "root", &agent, &[])?;
        let file = probe::file(&self.paths, &self.kernel)?;
        if let Some(finding) = probe::recall(&file) {
            let mut machine =
                self.boot_on(&root, Guest::Agent, finding.kvm, finding.boot_limit())?;
            machine.slowness = finding.slowness();
            return Ok(machine);
        }
        let (mut machine, kvm, because) = match probe::kvm_device() {
            Err(why) => (
                self.boot_on(&root, Guest::Agent, false, probe::FIRST_LIMIT)?,
                false,
                why,
            ),
            Ok(()) => match self.boot_on(&root, Guest::Agent, true, probe::KVM_LIMIT) {
                Ok(machine) => (machine, true, "a guest boots with it".to_owned()),
                Err(Error::Boot { why, .. }) => {
                    let why = format!("/dev/kvm is there, but with it {why}");
                    (
                        self.boot_on(&root, Guest::Agent, false, probe::FIRST_LIMIT)?,
                        false,
                        why,
                    )
                }
                Err(error) => return Err(error),
            },
        };
        let finding = Finding {
            kvm,
            because,
            boot_effort_seconds: machine.start_effort.as_secs_f64(),
        };
        probe::remember(&file, &finding)?;
        machine.slowness = finding.slowness();
        Ok(machine)
    }

    /// Boot a machine for measurements, through virtme-ng.
    ///
    /// # Errors
    /// As [`Workshop::boot`].
    pub fn boot_measured(&self) -> Result<Machine> {
        let finding = self.finding()?;
        let root = root::build(&self.paths, "root", &self.agent(), &[])?;
        let mut machine =
            self.boot_on(&root, Guest::Measured, finding.kvm, finding.boot_limit())?;
        machine.slowness = finding.slowness();
        Ok(machine)
    }

    fn boot_on(&self, root: &Path, guest: Guest, kvm: bool, limit: Duration) -> Result<Machine> {
        let directory = self.run_directory()?;
        progress::while_busy(&format!("booting {}", self.kernel), || {
            let launch = vng::qemu_command(
                &self.paths,
                &self.kernel,
                root,
                directory.path(),
                guest,
                kvm,
            )?;
            Machine::boot(launch, directory, limit, &self.console_file("boot"))
        })
    }

    /// The QEMU of an interactive shell that has all modules and programs at hand.
    ///
    /// # Errors
    /// As [`Workshop::boot`].
    pub fn shell(&self) -> Result<Launch> {
        let kvm = self.finding()?.kvm;
        let mut extra = self.all_modules(Care::Normal)?;
        extra.extend(self.all_programs());
        let name = format!("shell-{}", self.kernel.which);
        let root = root::build(&self.paths, &name, &self.agent(), &extra)?;
        let directory = self.run_directory()?;
        vng::qemu_command(
            &self.paths,
            &self.kernel,
            &root,
            directory.path(),
            Guest::Shell,
            kvm,
        )
    }

    /// A directory for one machine or sandbox.
    pub(crate) fn run_directory(&self) -> Result<RunDirectory> {
        RunDirectory::new(&self.paths.build.join("run"))
    }
}

/// What goes into the guest of a part that was handed in.
fn handed_in(name: &str, part: &Part) -> Result<PathBuf> {
    match part {
        Part::Built { file, .. } => Ok(file.clone()),
        Part::Missing(why) => Err(Error::Absent {
            name: name.to_owned(),
            why: why.clone(),
        }),
    }
}

/// The line of the source of a module that was handed in, by the file's path in the submission.
fn source_in(part: &Part, place: &Place) -> Option<Source> {
    let Part::Built {
        debug: Some(debug), ..
    } = part
    else {
        return None;
    };
    let source = lab_console::locate(place, &fs::read(debug).ok()?, |file| {
        Path::new(file).starts_with(MODULE_SOURCES)
    })?;
    let file = source.file.strip_prefix(MODULE_SOURCES).ok()?.to_owned();
    Some(Source { file, ..source })
}
