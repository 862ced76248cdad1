// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a demonstration says besides its record: which programs the lab stands in for, what it did not
//! look at, and what is next.

use std::path::Path;

use lab_base::Result;
use lab_build::kernels::{Capability, Which};
use lab_scene::Scenario;
use lab_stages::{Stage, Step};

use crate::{
    clauses::{self, Clauses},
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

    /// The clauses that these demonstrations, which have passed, did not look at.
    pub fn unseen(&self, steps: &[&Step]) -> Vec<Said> {
        let shown: Vec<_> = steps
            .iter()
            .map(|step| self.scenario_of(step).0.clause())
            .collect();
        let checks = steps.iter().flat_map(|step| step.checks);
        let mut others: Vec<_> = checks.map(Scenario::clause).collect();
        others.retain(|clause| !shown.contains(clause));
        others.sort_by_key(|clause| clauses::key(clause));
        others.dedup();
        let heading = Said::heading("It did not check these clauses, or only in part");
        let clauses = others.into_iter().map(|clause| {
            let words = self.clauses.words(self.stage.name, clause);
            Said::text(format!("  {clause:4} {}", words.unwrap_or_default()))
        });
        [heading].into_iter().chain(clauses).collect()
    }

    /// The next command if all has passed, and the next task if one of these steps has any. `one` is
    /// whether one step was asked for.
    pub fn next(&self, steps: &[&Step], one: bool, passed: bool, which: Which) -> Vec<Said> {
        let mut said = Vec::new();
        if passed {
            said = self.grade(steps, one, which);
        }
        let open = |planned: &&Planned| {
            let of_these = steps.iter().any(|step| step.name == planned.step);
            planned.open_at.is_some() && of_these
        };
        if let Some(planned) = self.plan.iter().find(open) {
            if passed {
                said.push(Said::text(""));
            } else {
                said.push(Said::text(
                    "If you have written what the failed step needs, mend that first.",
                ));
            }
            said.extend(planned.next());
        }
        said
    }

    fn grade(&self, steps: &[&Step], one: bool, which: Which) -> Vec<Said> {
        let step = match steps {
            [step] if one => format!(" STEP={}", step.name),
            _ => String::new(),
        };
        let mut said = vec![Said::text(format!(
            "Every clause is checked by: make grade STAGE={}{step}",
            self.stage.name
        ))];
        let has_module = steps.iter().any(|step| !step.modules.is_empty());
        if has_module && !which.has(Capability::Faults) {
            said.push(Said::text(
                "With KERNEL=debug it also finds memory errors, wrong locking and leaks.",
            ));
        }
        said
    }
}
