// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines for tests.
//!
//! A test takes a machine that another has used and left as it was: no process, no module and no
//! taint is new in it. Half of a scenario's time would else be QEMU's translation of the same kernel
//! code. If there is none, the test starts one. Without QEMU, or anything else that is needed, the
//! tests fail and say so; none is skipped.

use std::sync::{Mutex, OnceLock, PoisonError};

use clap::ValueEnum;
use lab_base::{Error, Result};
use lab_build::kernels::Which;
use lab_machine::Machine;

use crate::{perform::ScenarioResult, scenario::Scenario, workshop::Workshop};

static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
/// Machines that no test uses at the moment.
static IDLE: Mutex<Vec<Machine>> = Mutex::new(Vec::new());

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

/// Carry out a scenario, on an idle machine or on a new one.
///
/// # Errors
/// The machinery failed before the scenario could begin.
pub fn carry_out(scenario: &Scenario) -> Result<ScenarioResult> {
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut machine = idle().pop();
    let ended = workshop()?.carry_out_on(&mut machine, scenario, SEED, &mut |_| ());
    idle().extend(machine);
    ended
}
