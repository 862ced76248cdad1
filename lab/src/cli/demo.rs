// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab demo`: a scenario as a student sees it.

use std::process::ExitCode;

use anstream::println;
use anstyle::{AnsiColor, Style};
use lab::{
    kernels::Which,
    scene::{Scenario, perform},
    stages,
    transcript::{Entry, Kind, Status, Transcript},
    workshop::Workshop,
};

use super::{green, red, styled};

/// What can be shown.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Stage {
    /// Netlink: one publisher, two subscribers.
    Part2,
}

pub(crate) fn run(stage: Stage, which: Option<Which>) -> anyhow::Result<ExitCode> {
    let Stage::Part2 = stage;
    let scenario = &stages::pubsub::DEMONSTRATION;
    let workshop = Workshop::open(which)?;
    // Before anything is booted: code that does not compile is told at once.
    workshop.module("nl_pubsub")?;
    let mut machine = workshop.boot()?;
    let accelerated = if workshop.finding()?.kvm {
        "KVM"
    } else {
        "emulated"
    };
    println!(
        "{}",
        styled(Style::new().bold(), format!("Part 2: {}", scenario.title))
    );
    println!(
        "kernel {}, {accelerated}, up in {:.1} s\n",
        workshop.kernel,
        machine.boot_time.as_secs_f64()
    );
    let ended = perform(scenario, &workshop, &mut machine, 1, &mut |entry| {
        show(entry)
    });
    summary(scenario, &ended.transcript);
    Ok(match ended.transcript.status() {
        Status::Pass => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn show(entry: &Entry) {
    match entry {
        Entry::Step { .. } => println!("{}", styled(Style::new().bold(), entry)),
        Entry::Line { kind, .. } => {
            let style = match kind {
                Kind::Does => Style::new(),
                Kind::Types => AnsiColor::Cyan.on_default(),
                Kind::Prints => AnsiColor::Green.on_default(),
                Kind::Complains => AnsiColor::Yellow.on_default(),
                Kind::Logs => AnsiColor::Magenta.on_default(),
            };
            println!("{}", styled(style, entry));
        }
        Entry::Verdict(verdict) if verdict.status == Status::Pass => println!("{}", green(entry)),
        Entry::Verdict(_) => println!("{}", red(entry)),
    }
}

/// What was expected and what came of it, step by step.
fn summary(scenario: &Scenario, transcript: &Transcript) {
    println!("\nExpected");
    let mut steps = transcript.entries.iter().filter_map(|entry| match entry {
        Entry::Step {
            number,
            title,
            expected,
        } => Some((number, title, expected)),
        _ => None,
    });
    let mut passed = 0;
    let mut given = 0;
    for verdict in transcript.verdicts() {
        given += 1;
        let word = if verdict.status == Status::Pass {
            passed += 1;
            green(verdict.status)
        } else {
            red(verdict.status)
        };
        match steps.next() {
            Some((number, title, expected)) => println!("  {word}  {number}. {title}: {expected}"),
            None => println!("  {word}  after the last step"),
        }
    }
    let line = format!("{}: {passed} of {given} steps passed", scenario.id);
    if transcript.status() == Status::Pass {
        println!("\n{}", green(line));
    } else {
        println!(
            "\n{}",
            red(format!(
                "{line}; what comes after a step that fails is not carried out"
            ))
        );
    }
}
