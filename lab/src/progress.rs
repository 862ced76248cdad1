// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab progress`: how far a student has come, and what is next.

use std::process::ExitCode;

use anstream::println;
use lab_base::paths::Paths;
use lab_cli::bold;
use lab_course::{
    plan::{self, Planned},
    progress::{self, CheckResult, Progress},
    tasks::Tasks,
};
use lab_scene::transcript::Status;
use lab_stages::{STAGES, Stage, Step};

use crate::todo;

/// What a student does next.
enum Next {
    Write(Box<Planned>),
    Grade(&'static Stage, &'static Step),
    Mend(&'static str),
}

/// Print the tasks and checks of each step, and what is next.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let paths = Paths::find()?;
    let tasks = Tasks::of(&paths.checkout)?;
    let results = progress::read(&paths)?;
    let mut steps = Vec::new();
    println!(
        "{}",
        bold("stage         step      tasks     checks    points")
    );
    for stage in STAGES {
        let plan = match &tasks {
            Some(tasks) => plan::plan(&paths.checkout, tasks, stage)?,
            None => Vec::new(),
        };
        for step in stage.steps {
            let of_step: Vec<_> = plan.iter().filter(|task| task.step == step.name).collect();
            let row = Row::of(step, &of_step, &results);
            println!("{:12}  {:8}  {row}", stage.name, step.name);
            let latest = graded(step, &results).map(|it| it.when).max();
            steps.push((latest, what_is_next(stage, step, &of_step, &results)));
        }
    }
    // From the step that was graded last: first what is left there and behind it, then before it.
    let begin = (0..steps.len()).max_by_key(|&at| (steps[at].0, std::cmp::Reverse(at)));
    steps.rotate_left(begin.unwrap_or_default());
    let next = steps.into_iter().find_map(|(_, next)| next);
    if results.values().any(|it| it.status == Status::Crash) {
        println!("What a report takes off for reports of the kernel is not counted here.");
    }
    println!();
    match next {
        Some(Next::Write(planned)) => todo::show_next(&planned),
        Some(Next::Grade(stage, step)) => println!(
            "{}",
            bold(format!(
                "Next: make grade STAGE={} STEP={}",
                stage.name, step.name
            ))
        ),
        Some(Next::Mend(id)) => {
            println!("{}", bold(format!("Next: {id} does not pass")));
            println!("  For a hint: make hint CHECK={id}");
        }
        None => println!("Every check of every stage has passed."),
    }
    Ok(ExitCode::SUCCESS)
}

/// The results of a step's checks that were graded.
fn graded<'a>(step: &Step, results: &'a Progress) -> impl Iterator<Item = &'a CheckResult> {
    step.checks.iter().filter_map(|check| results.get(check.id))
}

/// The first thing to do in a step; `None` if everything has passed.
fn what_is_next(
    stage: &'static Stage,
    step: &'static Step,
    plan: &[&Planned],
    results: &Progress,
) -> Option<Next> {
    if let Some(open) = plan.iter().find(|planned| planned.open_at.is_some()) {
        return Some(Next::Write(Box::new((*open).clone())));
    }
    if step
        .checks
        .iter()
        .all(|check| !results.contains_key(check.id))
    {
        return Some(Next::Grade(stage, step));
    }
    let bad = |id: &str| results.get(id).is_some_and(|it| it.status != Status::Pass);
    let failed = step.checks.iter().find(|check| bad(check.id))?;
    Some(Next::Mend(failed.id))
}

/// The figures of a step.
struct Row {
    tasks: Option<(usize, usize)>,
    /// Those that have passed, of those that were graded.
    checks: Option<(usize, usize)>,
    /// Points, the points that there are, and those of the grading before; `None` if the step was
    /// never graded.
    points: Option<(u32, u32, u32)>,
}

impl Row {
    fn of(step: &Step, plan: &[&Planned], results: &Progress) -> Self {
        let written = plan.iter().filter(|task| task.open_at.is_none()).count();
        let graded: Vec<_> = graded(step, results).collect();
        let passed = graded.iter().filter(|it| it.status == Status::Pass).count();
        let sum = |of: fn(&CheckResult) -> u32| graded.iter().map(|it| of(it)).sum();
        Row {
            tasks: (!plan.is_empty()).then_some((written, plan.len())),
            checks: (!graded.is_empty()).then_some((passed, graded.len())),
            points: (!graded.is_empty())
                .then(|| (sum(|it| it.points), sum(|it| it.max), sum(|it| it.before))),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |(some, all): (usize, usize)| format!("{some}/{all}");
        let tasks = self.tasks.map_or("solved".to_owned(), of);
        let checks = self.checks.map_or("-".to_owned(), of);
        write!(f, "{tasks:8}  {checks:8}  ")?;
        match self.points {
            None => write!(f, "not graded"),
            Some((points, max, before)) if points == before => write!(f, "{points}/{max}"),
            Some((points, max, before)) => {
                let more = i64::from(points) - i64::from(before);
                write!(f, "{points}/{max} ({more:+} since the grading before)")
            }
        }
    }
}
