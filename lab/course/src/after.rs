// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a demonstration says besides its record: which programs the lab stands in for, what it did not
//! look at, and what is next.

use std::{collections::BTreeSet, path::Path};

use lab_base::Result;
use lab_build::kernels::{Capability, Which};
use lab_scene::Scenario;
use lab_stages::{Stage, Step};

use crate::{
    clauses::Clauses,
    plan::{self, Planned, Said},
    tasks::Tasks,
};

/// A stage and what is left to do in it.
pub struct After {
    stage: &'static Stage,
    clauses: Clauses,
    plan: Vec<Planned>,
}

impl After {
    /// Of a stage in a checkout.
    ///
    /// # Errors
    /// The tasks or the walkthrough cannot be read.
    pub fn of(checkout: &Path, stage: &'static Stage) -> Result<Self> {
        let plan = match Tasks::of(checkout)? {
            Some(tasks) => plan::plan(checkout, &tasks, stage)?,
            None => Vec::new(),
        };
        Ok(After {
            stage,
            clauses: Clauses::builtin()?,
            plan,
        })
    }

    /// The demonstration of a step, and the reason if it is not that with the programs.
    pub fn scenario_of(&self, step: &Step) -> (&'static Scenario, Option<&'static str>) {
        match step.module_alone {
            Some(alone) if plan::programs_are_open(&self.plan, self.stage, step.name) => (
                alone,
                Some(
                    "Your programs are not written yet, so the lab's own client takes their place.",
                ),
            ),
            _ => (step.demonstration, None),
        }
    }

    /// What these demonstrations, which have passed, did not look at, and what is next.
    pub fn tell(&self, steps: &[&Step], one: bool, which: Which) -> Vec<Said> {
        let shown: BTreeSet<_> = steps
            .iter()
            .map(|step| self.scenario_of(step).0.clause())
            .collect();
        let checks = steps.iter().flat_map(|step| step.checks);
        let mut others: Vec<_> = checks.map(Scenario::clause).collect();
        others.retain(|clause| !shown.contains(clause));
        let mut known = BTreeSet::new();
        others.retain(|clause| known.insert(*clause));
        let mut said = vec![Said::heading("It did not look at")];
        said.extend(others.into_iter().map(|clause| {
            let words = self.clauses.words(self.stage.name, clause);
            Said::text(format!("  {clause:4} {}", words.unwrap_or_default()))
        }));
        let step = match steps {
            [step] if one => format!(" STEP={}", step.name),
            _ => String::new(),
        };
        said.push(Said::text(""));
        said.push(Said::text(format!(
            "Now: make grade STAGE={}{step}",
            self.stage.name
        )));
        if !which.has(Capability::Faults) {
            said.push(Said::text(
                "The debug kernel also finds memory errors, wrong locking and leaks: make kernel \
                 KERNEL=debug, then KERNEL=debug with every command.",
            ));
        }
        let open = |planned: &&Planned| {
            let of_these = steps.iter().any(|step| step.name == planned.step);
            planned.open_at.is_some() && of_these
        };
        if let Some(planned) = self.plan.iter().find(open) {
            said.push(Said::text(""));
            said.extend(planned.next());
        }
        said
    }
}
