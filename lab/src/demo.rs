// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab demo`: a scenario, formatted for students.

use std::process::ExitCode;

use anstream::println;
use anyhow::bail;
use lab_build::{kernels::Which, programs};
use lab_cli::bold;
use lab_course::{after::After, plan::Said};
use lab_scene::{
    transcript::Status,
    workshop::{Start, Workshop},
};
use lab_stages::Stage;

use crate::todo;

/// Show all steps of a stage, or one of them. Each runs on a machine that was just started, or that
/// the previous step has left unchanged.
pub(crate) fn run(
    stage: &'static Stage,
    step: Option<&str>,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let steps: Vec<_> = stage
        .steps
        .iter()
        .filter(|known| step.is_none_or(|step| step == known.name))
        .collect();
    if steps.is_empty() {
        let names: Vec<_> = stage.steps.iter().map(|step| step.name).collect();
        bail!(
            "expected STEP to be one of {}, found {}",
            names.join(", "),
            step.unwrap_or_default()
        );
    }
    let workshop = Workshop::open_with(&[programs::AGENT, stage.package], which, start)?;
    // Before a machine boots, so that compiler errors are shown at once.
    for module in steps.iter().flat_map(|step| step.modules) {
        workshop.module(module)?;
    }
    let machine = workshop.machine()?;
    println!("{}", bold(stage.title));
    println!(
        "kernel {}, {}, up in {:.1} s",
        workshop.kernel,
        if workshop.probed()?.kvm {
            "KVM"
        } else {
            "emulated"
        },
        machine.start_time.as_secs_f64()
    );
    let mut kept = Some(machine);
    let after = After::of(&workshop.paths.checkout, stage)?;
    let mut worst = ExitCode::SUCCESS;
    for step in &steps {
        let (scenario, why) = after.scenario_of(step);
        println!(
            "\n{}\n",
            bold(format!("Step {}: {}", step.name, scenario.title))
        );
        if let Some(why) = why {
            println!("{why}\n");
        }
        let ended = workshop.carry_out_on(&mut kept, scenario, 1, &mut lab_cli::show)?;
        println!("\n{}", lab_cli::summary(scenario.id, &ended.transcript));
        if ended.transcript.status() != Status::Pass {
            worst = ExitCode::FAILURE;
        }
    }
    if worst == ExitCode::SUCCESS {
        show(&after.unseen(&steps));
    }
    let passed = worst == ExitCode::SUCCESS;
    show(&after.next(&steps, step.is_some(), passed, workshop.kernel.which));
    Ok(worst)
}

/// Lines after an empty one.
fn show(lines: &[Said]) {
    println!();
    for line in lines {
        todo::show(line);
    }
}
