// SPDX-License-Identifier: MIT OR Apache-2.0
//! The source of machines of one kernel: they are booted, or restored from a saved machine.

use std::{
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    time::Duration,
};

use lab_base::{Error, Result, progress};
use lab_build::root;

use crate::{
    machine::Machine,
    probe::{self, ProbeResult},
    qemu::Launch,
    site::Site,
    vng::{self, Guest},
    warm,
};

/// How a machine is started. Scenarios cannot see a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Start {
    /// It boots, through virtme-ng.
    Cold,
    /// It continues from the saved state of a machine that has booted once.
    #[default]
    Warm,
}

/// Everything that is needed to start machines with one kernel.
#[derive(Clone, Debug)]
pub struct Machines {
    site: Site,
    /// How they are started.
    pub start: Start,
    kept: warm::Kept,
}

impl Deref for Machines {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl DerefMut for Machines {
    fn deref_mut(&mut self) -> &mut Site {
        &mut self.site
    }
}

impl Machines {
    /// The machines of a site.
    pub fn new(site: Site, start: Start) -> Self {
        Machines {
            site,
            start,
            kept: warm::Kept::default(),
        }
    }

    /// The same, with the consoles of crashes in a directory of its own.
    pub fn with_consoles(&self, consoles: &Path) -> Self {
        Machines {
            site: self.site.with_consoles(consoles),
            ..self.clone()
        }
    }

    /// The findings of this kernel's first boot. Boots a machine now if there are none yet.
    ///
    /// # Errors
    /// As [`Machines::boot`].
    pub fn probed(&self) -> Result<ProbeResult> {
        let file = probe::file(&self.site.paths, &self.site.kernel)?;
        if let Some(probed) = probe::recall(&file) {
            return Ok(probed);
        }
        drop(self.boot()?);
        probe::recall(&file)
            .ok_or_else(|| Error::Unexpected(format!("{} was not saved", file.display())))
    }

    /// A pristine machine. It is booted if there is no room to save a state.
    ///
    /// # Errors
    /// As [`Machines::boot`].
    pub fn machine(&self) -> Result<Machine> {
        if self.start == Start::Cold {
            return self.boot();
        }
        let probed = self.probed()?;
        let warm = progress::while_busy(&format!("starting {}", self.site.kernel), || {
            warm::SavedMachine::new(&self.site, &self.kept, &probed)?.machine()
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
    /// As [`Machines::boot`].
    pub fn restore_once(&self) -> Result<Machine> {
        warm::SavedMachine::new(&self.site, &self.kept, &self.probed()?)?.restore()
    }

    /// Disk space of the saved machine, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none.
    pub fn saved_bytes(&self) -> Result<u64> {
        warm::SavedMachine::new(&self.site, &self.kept, &self.probed()?)?.bytes()
    }

    /// Boot a machine through virtme-ng.
    ///
    /// # Errors
    /// [`Error::Boot`] with the end of the console; a missing prerequisite; a full disk.
    pub fn boot(&self) -> Result<Machine> {
        let agent = self.site.agent();
        let root = root::build(&self.site.paths, "root", agent, &[])?;
        let file = probe::file(&self.site.paths, &self.site.kernel)?;
        if let Some(probed) = probe::recall(&file) {
            let mut machine = self.boot_on(&root, Guest::Agent, probed.kvm, probed.boot_limit())?;
            machine.slowness = probed.slowness();
            return Ok(machine);
        }
        let (mut machine, kvm, because) = match probe::kvm_device() {
            Err(why) => (
                self.boot_on(&root, Guest::Agent, false, probe::FIRST_LIMIT)?,
                false,
                why,
            ),
            Ok(()) => match self.boot_on(&root, Guest::Agent, true, probe::KVM_LIMIT) {
                Ok(machine) => (machine, true, "a guest boots with KVM".to_owned()),
                Err(Error::Boot { why, .. }) => {
                    let why = format!("/dev/kvm exists, but with KVM {why}");
                    (
                        self.boot_on(&root, Guest::Agent, false, probe::FIRST_LIMIT)?,
                        false,
                        why,
                    )
                }
                Err(error) => return Err(error),
            },
        };
        let probed = ProbeResult {
            kvm,
            because,
            boot_effort_seconds: machine.start_effort.as_secs_f64(),
        };
        probe::remember(&file, &probed)?;
        machine.slowness = probed.slowness();
        Ok(machine)
    }

    /// Boot a machine for measurements, through virtme-ng.
    ///
    /// # Errors
    /// As [`Machines::boot`].
    pub fn boot_measured(&self) -> Result<Machine> {
        let probed = self.probed()?;
        let root = root::build(&self.site.paths, "root", self.site.agent(), &[])?;
        let mut machine = self.boot_on(&root, Guest::Measured, probed.kvm, probed.boot_limit())?;
        machine.slowness = probed.slowness();
        Ok(machine)
    }

    fn boot_on(&self, root: &Path, guest: Guest, kvm: bool, limit: Duration) -> Result<Machine> {
        let directory = self.site.run_directory()?;
        progress::while_busy(&format!("booting {}", self.site.kernel), || {
            let launch = vng::qemu_command(
                &self.site.paths,
                &self.site.kernel,
                root,
                directory.path(),
                guest,
                kvm,
            )?;
            Machine::boot(launch, directory, limit, &self.site.console_file("boot"))
        })
    }

    /// The QEMU of an interactive shell whose guest has these files.
    ///
    /// # Errors
    /// As [`Machines::boot`].
    pub fn shell(&self, extra: &[PathBuf]) -> Result<Launch> {
        let kvm = self.probed()?.kvm;
        let name = format!("shell-{}", self.site.kernel.which);
        let root = root::build(&self.site.paths, &name, self.site.agent(), extra)?;
        let directory = self.site.run_directory()?;
        vng::qemu_command(
            &self.site.paths,
            &self.site.kernel,
            &root,
            directory.path(),
            Guest::Shell,
            kvm,
        )
    }
}
