// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which checks of a rubric are meant: by stage, by step, and by a filter. Pure.

use lab_stages::{STAGES, step_of};

use crate::rubric::{Check, Rubric};

/// The names of all steps.
pub fn step_names() -> impl Iterator<Item = &'static str> {
    let steps = STAGES.iter().flat_map(|stage| stage.steps);
    steps.map(|step| step.name)
}

/// The stages that have one of these steps.
pub fn stages_of(steps: &[String]) -> Vec<String> {
    let has_one = |stage: &&lab_stages::Stage| {
        let mut of_stage = stage.steps.iter();
        of_stage.any(|step| steps.iter().any(|wanted| wanted == step.name))
    };
    let stages = STAGES.iter().filter(has_one);
    stages.map(|stage| stage.name.to_owned()).collect()
}

/// The name of the step that a check belongs to.
fn step_name(check: &Check) -> Option<&'static str> {
    step_of(check.scenario.id).map(|step| step.name)
}

impl Check {
    /// Whether a filter selects it. The name of a step selects the checks of the step. Any other
    /// filter is a part of the id.
    pub fn is_selected(&self, filter: &str) -> bool {
        match step_names().find(|name| *name == filter) {
            Some(step) => step_name(self) == Some(step),
            None => self.id.contains(filter),
        }
    }
}

impl Rubric {
    /// Keep the checks of these stages that are of one of these steps, if any step is named, and
    /// that the filter selects.
    ///
    /// # Errors
    /// No check is left: a sentence about it.
    pub fn select(
        &mut self,
        stages: &[&str],
        steps: &[String],
        filter: &str,
    ) -> Result<(), String> {
        self.keep(|stage, check| {
            let of_step = || {
                let step = step_name(check);
                steps.iter().any(|wanted| step == Some(wanted))
            };
            stages.contains(&stage) && (steps.is_empty() || of_step()) && check.is_selected(filter)
        });
        if !self.stages.is_empty() {
            return Ok(());
        }
        let stages = stages.join(", ");
        Err(match (steps, filter) {
            ([], filter) => format!("no check of {stages} contains {filter:?}"),
            (steps, "") => format!("{stages} has no step {}", steps.join(", ")),
            (steps, filter) => format!(
                "no check of step {} in {stages} contains {filter:?}",
                steps.join(", ")
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(stages: &[&str], steps: &[&str], filter: &str) -> Result<Vec<String>, String> {
        let mut rubric = Rubric::builtin().unwrap();
        let steps: Vec<String> = steps.iter().map(|&step| step.to_owned()).collect();
        rubric.select(stages, &steps, filter)?;
        Ok(rubric.checks().map(|check| check.id.clone()).collect())
    }

    #[test]
    fn the_name_of_a_step_selects_all_its_checks() {
        let hello = selected(&["part2", "part3"], &[], "hello").unwrap();
        assert!(hello.contains(&"part2/H1-bytes".to_owned()), "{hello:?}");
        assert!(hello.contains(&"part2/N11-hello-no-module".to_owned()));
        assert_eq!(hello, selected(&["part2"], &["hello"], "").unwrap());
        // No id of this step has its name.
        let pubsub = selected(&["part2"], &["pubsub"], "").unwrap();
        assert!(
            pubsub.contains(&"part2/B1-role-byte".to_owned()),
            "{pubsub:?}"
        );
        assert!(!pubsub.contains(&"part2/H1-bytes".to_owned()));
        let both = selected(&["part2"], &["hello", "pubsub"], "").unwrap();
        assert_eq!(both.len(), hello.len() + pubsub.len());
    }

    #[test]
    fn other_filters_are_parts_of_ids() {
        let found = selected(&["message-slot"], &["slot"], "W5").unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_selection_without_checks_is_refused() {
        let why = |stages: &[&str], steps: &[&str], filter: &str| {
            selected(stages, steps, filter).unwrap_err()
        };
        assert_eq!(why(&["part3"], &["pubsub"], ""), "part3 has no step pubsub");
        assert_eq!(
            why(&["part2"], &["hello"], "W5"),
            "no check of step hello in part2 contains \"W5\""
        );
        assert_eq!(
            why(&["part2"], &[], "W5"),
            "no check of part2 contains \"W5\""
        );
    }

    #[test]
    fn steps_have_their_stages() {
        let steps = ["slot", "hello", "pubsub"].map(str::to_owned);
        assert_eq!(stages_of(&steps), ["part2", "message-slot"]);
    }
}
