// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines for tests.
//!
//! Each test has a pristine machine of its own. With `MACHINE=cold`, where each would have to be
//! booted, the tests of a binary share one, which is replaced when a scenario has left it in any
//! other state than it found it in. Without QEMU, or whatever else is missing, the tests fail and
//! say so; none is skipped.

use std::sync::{Mutex, OnceLock, PoisonError};

use clap::ValueEnum;
use lab_base::{Error, Result};
use lab_build::kernels::Which;
use lab_machine::Machine;

use crate::{
    perform::ScenarioResult,
    scenario::Scenario,
    workshop::{Start, Workshop},
};

static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
static SHARED: Mutex<Option<Machine>> = Mutex::new(None);

/// The seed of tests: snapshots contain what is drawn from it.
pub const SEED: u64 = 1;

/// The workshop for the kernel and the machines that the variables `KERNEL` and `MACHINE` name.
///
/// # Errors
/// What is missing; a program that does not compile; a kernel that there is not.
pub fn workshop() -> Result<&'static Workshop> {
    if let Some(workshop) = WORKSHOP.get() {
        return Ok(workshop);
    }
    let which: Option<Which> = chosen("KERNEL")?;
    let start = chosen("MACHINE")?.unwrap_or_default();
    // Tests run in a directory of their own choice, and end with whoever started them.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM);
    let workshop = Workshop::open(which, start)?;
    Ok(WORKSHOP.get_or_init(|| workshop))
}

fn chosen<T: ValueEnum>(variable: &str) -> Result<Option<T>> {
    match std::env::var(variable) {
        Ok(name) if !name.is_empty() => T::from_str(&name, false)
            .map(Some)
            .map_err(|error| Error::Unexpected(format!("{variable}={name}: {error}"))),
        _ => Ok(None),
    }
}

/// Carry out a scenario, on a machine of its own or on the shared one.
///
/// # Errors
/// The machinery failed before the scenario could begin.
pub fn carry_out(scenario: &Scenario) -> Result<ScenarioResult> {
    let workshop = workshop()?;
    if workshop.start == Start::Warm {
        return workshop.carry_out(scenario, SEED, &mut |_| ());
    }
    // Held to the end: one test at a time. A test that panicked has left no machine behind.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    workshop.carry_out_on(&mut shared, scenario, SEED, &mut |_| ())
}
