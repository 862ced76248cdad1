// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out a scenario within a time, for checks and for trials of an edition.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use lab_base::Result;
use lab_scene::{Scenario, perform, transcript::Transcript, workshop::Workshop};

/// Carry out a scenario on a machine of its own. Says whether the time was over, or the flag was
/// raised.
///
/// # Errors
/// No machine starts.
pub(crate) fn within(
    timeout: Duration,
    interrupted: &Arc<AtomicBool>,
    scenario: &Scenario,
    workshop: &Workshop,
    seed: u64,
) -> Result<(Transcript, bool)> {
    let mut machine = workshop.machine()?;
    machine.limit_all(timeout, interrupted);
    let ended = perform(scenario, workshop, &mut machine, seed, &mut |_| ());
    Ok((ended.transcript, machine.is_late()))
}
