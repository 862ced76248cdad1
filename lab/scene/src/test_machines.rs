// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines for tests.
//!
//! A test can take a machine that another test has left unchanged: no process, no module and no
//! taint is new in it. Otherwise QEMU would translate the same kernel code again, which takes half
//! of a scenario's time. If no such machine is idle, the test starts one. Without QEMU, or another
//! prerequisite, the tests fail with a message; none is skipped.

use std::sync::{Mutex, OnceLock, PoisonError};

use clap::ValueEnum;
use lab_base::{Error, Result};
use lab_build::kernels::Which;
use lab_machine::Machine;

use crate::{perform::ScenarioResult, scenario::Scenario, workshop::Workshop};

static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
/// Idle machines.
static IDLE: Mutex<Vec<Machine>> = Mutex::new(Vec::new());

/// The seed of tests: snapshots contain payloads that depend on it.
pub const SEED: u64 = 1;

/// The workshop for the kernel and the machines that the variables `KERNEL` and `MACHINE` name.
///
/// # Errors
/// A missing prerequisite; a program that does not compile; an unknown kernel.
pub fn workshop() -> Result<&'static Workshop> {
    if let Some(workshop) = WORKSHOP.get() {
        return Ok(workshop);
    }
    let which: Option<Which> = chosen("KERNEL")?;
    let start = chosen("MACHINE")?.unwrap_or_default();
    // The test process ends when the process that started it ends.
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
/// If the machinery fails before the scenario begins.
pub fn carry_out(scenario: &Scenario) -> Result<ScenarioResult> {
    let idle = || IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut machine = idle().pop();
    let ended = workshop()?.carry_out_on(&mut machine, scenario, SEED, &mut |_| ());
    idle().extend(machine);
    ended
}
