// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab todo`: what is left to write, and in which order.

use std::process::ExitCode;

use anstream::println;
use lab_base::paths::Paths;
use lab_cli::bold;
use lab_course::{
    clauses::{self, Clauses},
    plan::{self, Planned, Said},
    tasks::Tasks,
};
use lab_stages::{STAGES, Stage};

/// List the tasks of a stage that are not done; without a stage, those of the first stage that has
/// any, and how many the others have.
pub(crate) fn run(stage: Option<&str>) -> anyhow::Result<ExitCode> {
    let checkout = Paths::find()?.checkout;
    let wanted = stage.map(lab_stages::stage_named).transpose()?;
    let Some(tasks) = Tasks::of(&checkout)? else {
        println!("Nothing is left to do: this tree has the solutions.");
        println!("To write a tree for students: make starter DIR=path");
        return Ok(ExitCode::SUCCESS);
    };
    let mut shown = false;
    let mut others = Vec::new();
    for stage in STAGES {
        if wanted.is_some_and(|wanted| wanted.name != stage.name) {
            continue;
        }
        let plan = plan::plan(&checkout, &tasks, stage)?;
        let open = plan.iter().filter(|task| task.open_at.is_some()).count();
        if wanted.is_some() || (!shown && open > 0) {
            shown = true;
            list(stage, &plan)?;
        } else {
            others.push((stage, open, plan.len()));
        }
    }
    if !shown {
        println!("Every task of every stage is written. Now: make grade");
        return Ok(ExitCode::SUCCESS);
    }
    if !others.is_empty() {
        println!("\n{}", bold("The other stages"));
    }
    for (stage, open, all) in others {
        println!(
            "  {:12}  {:2} of {all:2} tasks are left: make todo STAGE={}",
            stage.name, open, stage.name
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn list(stage: &Stage, plan: &[Planned]) -> anyhow::Result<()> {
    let clauses = Clauses::builtin()?;
    println!("{}", bold(stage.title));
    if plan.is_empty() {
        println!("This stage is solved in your starter.");
        return Ok(());
    }
    let mut next = None;
    for step in stage.steps {
        let tasks: Vec<_> = plan.iter().filter(|task| task.step == step.name).collect();
        let done = tasks.iter().filter(|task| task.open_at.is_none()).count();
        println!(
            "\n{}",
            bold(format!(
                "Step {}: {done} of {} tasks are written",
                step.name,
                tasks.len()
            ))
        );
        let mut used: Vec<String> = Vec::new();
        for (number, planned) in (1..).zip(&tasks) {
            if planned.open_at.is_none() {
                continue;
            }
            next = next.or(Some(*planned));
            let (words, of_task) = clauses::split(&planned.task.task);
            println!("{number:4}. {:20} {}", planned.task.name, planned.place());
            println!("      {words} ({})", of_task.join(", "));
            used.extend(of_task);
        }
        used.sort_by(|a, b| clauses::key(a).cmp(&clauses::key(b)));
        used.dedup();
        if !used.is_empty() {
            println!("    The clauses in words:");
        }
        for clause in &used {
            let words = clauses.words(stage.name, clause).unwrap_or_default();
            println!("      {clause:4} {words}");
        }
    }
    println!();
    match next {
        Some(planned) => show_next(planned),
        None => println!(
            "Every task is written. Now: make grade STAGE={}",
            stage.name
        ),
    }
    Ok(())
}

/// The next task, with the words of the walkthrough.
pub(crate) fn show_next(planned: &Planned) {
    for line in planned.next() {
        show(&line);
    }
}

/// A line, as a heading in bold.
pub(crate) fn show(line: &Said) {
    if line.is_heading {
        println!("{}", bold(&line.text));
    } else {
        println!("{}", line.text);
    }
}
