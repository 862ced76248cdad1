// SPDX-License-Identifier: MIT OR Apache-2.0
//! One machine for all tests of a binary.
//!
//! It is booted by the first test that needs it, used by one test at a time, and replaced when a
//! scenario has left it in any other state than it found it in. Without QEMU, or whatever else is
//! missing, the tests fail and say so; none is skipped.

use std::sync::{Mutex, OnceLock, PoisonError};

use clap::ValueEnum;

use crate::{
    Error, Result,
    kernels::Which,
    machine::Machine,
    scene::{Ended, Scenario, perform},
    workshop::Workshop,
};

static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
static MACHINE: Mutex<Option<Machine>> = Mutex::new(None);

/// The seed of tests: snapshots contain what is drawn from it.
const SEED: u64 = 1;

/// The workshop for the kernel that the variable `KERNEL` names.
///
/// # Errors
/// What is missing; a program that does not compile; a kernel that there is not.
pub fn workshop() -> Result<&'static Workshop> {
    if let Some(workshop) = WORKSHOP.get() {
        return Ok(workshop);
    }
    let which = match std::env::var("KERNEL") {
        Ok(name) if !name.is_empty() => Some(
            Which::from_str(&name, false)
                .map_err(|error| Error::Unexpected(format!("KERNEL={name}: {error}")))?,
        ),
        _ => None,
    };
    // Tests run in a directory of their own choice, and end with whoever started them.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM);
    let workshop = Workshop::open(which)?;
    Ok(WORKSHOP.get_or_init(|| workshop))
}

/// Carry out a scenario on the shared machine.
///
/// # Errors
/// The machinery failed before the scenario could begin.
pub fn on_shared_machine(scenario: &Scenario) -> Result<Ended> {
    // Held to the end: one test at a time. A test that panicked has left no machine behind.
    let mut shared = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let workshop = workshop()?;
    let mut machine = match shared.take() {
        Some(machine) => machine,
        None => workshop.boot()?,
    };
    let ended = perform(scenario, workshop, &mut machine, SEED, &mut |_| ());
    if ended.healthy {
        *shared = Some(machine);
    }
    Ok(ended)
}
