// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out scenarios on machines of a workshop. If a machine is lost, a scenario is carried
//! out a second time.

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
    /// As [`lab_machine::Machines::boot`], if the machinery failed before the scenario began.
    pub fn carry_out(
        &self,
        scenario: &Scenario,
        seed: u64,
        watch: &mut dyn FnMut(&Entry),
    ) -> Result<ScenarioResult> {
        self.carry_out_on(&mut None, scenario, seed, watch)
    }

    /// Carry out a scenario on the machine of the previous scenario, or on a new one. The machine
    /// is kept if it can be used again. If the machine is lost, the scenario runs once more on
    /// another one. `watch` gets the observations of both runs.
    ///
    /// # Errors
    /// As [`lab_machine::Machines::boot`], if the machinery failed before the scenario began.
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
        eprintln!("{}: repeated on another machine", scenario.id);
        once()
    }
}
