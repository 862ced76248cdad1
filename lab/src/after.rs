// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a demonstration says besides its record: which programs the lab stands in for, what it did not
//! look at, and what is next.

use std::path::Path;

use anstream::println;
use lab_build::kernels::{Capability, Which};
use lab_cli::bold;
use lab_course::{
    clauses::{self, Clauses},
    plan::{self, Planned},
    tasks::Tasks,
};
use lab_scene::Scenario;
use lab_stages::{Stage, Step};

use crate::todo;

/// A stage and what is left to do in it.
pub(crate) struct After {
    stage: &'static Stage,
    clauses: Clauses,
    plan: Vec<Planned>,
}

impl After {
    pub(crate) fn of(checkout: &Path, stage: &'static Stage) -> anyhow::Result<Self> {
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
    pub(crate) fn scenario_of(&self, step: &Step) -> (&'static Scenario, Option<&'static str>) {
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
    pub(crate) fn tell_unseen(&self, steps: &[&Step]) {
        let shown: Vec<_> = steps
            .iter()
            .map(|step| self.scenario_of(step).0.clause())
            .collect();
        let checks = steps.iter().flat_map(|step| step.checks);
        let mut others: Vec<_> = checks.map(Scenario::clause).collect();
        others.retain(|clause| !shown.contains(clause));
        others.sort_by_key(|clause| clauses::key(clause));
        others.dedup();
        println!(
            "\n{}",
            bold("It did not check these clauses, or only in part")
        );
        for clause in others {
            let words = self.clauses.words(self.stage.name, clause);
            println!("  {clause:4} {}", words.unwrap_or_default());
        }
    }

    /// The next command if all has passed, and the next task if one of these steps has any. `one` is
    /// whether one step was asked for.
    pub(crate) fn tell_next(&self, steps: &[&Step], one: bool, passed: bool, which: Which) {
        if passed {
            self.tell_grade(steps, one, which);
        }
        let open = |planned: &&Planned| {
            let of_these = steps.iter().any(|step| step.name == planned.step);
            planned.open_at.is_some() && of_these
        };
        if let Some(planned) = self.plan.iter().find(open) {
            println!();
            if !passed {
                println!("If you have written what the failed step needs, mend that first.");
            }
            todo::show_next(planned);
        }
    }

    fn tell_grade(&self, steps: &[&Step], one: bool, which: Which) {
        let step = match steps {
            [step] if one => format!(" STEP={}", step.name),
            _ => String::new(),
        };
        println!(
            "\nEvery clause is checked by: make grade STAGE={}{step}",
            self.stage.name
        );
        let has_module = steps.iter().any(|step| !step.modules.is_empty());
        if has_module && !which.has(Capability::Faults) {
            println!("With KERNEL=debug it also finds memory errors, wrong locking and leaks.");
        }
    }
}
