// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out scenarios on machines of a workshop, and once more where a machine was lost.

use lab_base::Result;
use lab_machine::Machine;

use crate::{
    perform::{ScenarioResult, perform},
    scenario::Scenario,
    transcript::{Entry, Status},
    workshop::Workshop,
};

impl Workshop {
    /// Carry out a scenario on a pristine machine, as [`Workshop::carry_out_on`] does.
    ///
    /// # Errors
    /// As [`lab_machine::Machines::boot`]: the machinery failed before the scenario could begin.
    pub fn carry_out(
        &self,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(&Entry),
    ) -> Result<ScenarioResult> {
        self.carry_out_on(&mut None, scenario, seed, watch)
    }

    /// Carry out a scenario on the machine that was kept from the one before, or on a new one; it
    /// is kept if it can be used again. If the machine is lost, once more on another: what was
    /// observed first has gone to `watch` too.
    ///
    /// # Errors
    /// As [`lab_machine::Machines::boot`]: the machinery failed before the scenario could begin.
    pub fn carry_out_on(
        &self,
        kept: &mut Option<Machine>,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(&Entry),
    ) -> Result<ScenarioResult> {
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
}
