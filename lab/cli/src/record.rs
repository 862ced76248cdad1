// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records, formatted for people.

use anstyle::{AnsiColor, Style};
use lab_scene::transcript::{Entry, LineKind, Status, StepResult, Transcript};

use crate::style::{GREEN, RED, green, red, styled};

/// The style of an entry of a record.
pub fn style_of(entry: &Entry) -> Style {
    match entry {
        Entry::Step { .. } => Style::new().bold(),
        Entry::Line { kind, .. } => match kind {
            LineKind::Does => Style::new(),
            LineKind::Types => AnsiColor::Cyan.on_default(),
            LineKind::Prints => AnsiColor::Green.on_default(),
            LineKind::Complains => AnsiColor::Yellow.on_default(),
            LineKind::Logs => AnsiColor::Magenta.on_default(),
        },
        Entry::Verdict(verdict) if verdict.status == Status::Pass => GREEN,
        Entry::Verdict(_) => RED,
    }
}

/// Print one entry of a record, in colour.
pub fn show(entry: &Entry) {
    anstream::println!("{}", styled(style_of(entry), entry));
}

/// Expectation and result of each step of a demonstration, in colour.
pub fn summary(id: &str, transcript: &Transcript) -> String {
    let mut text = String::from("Expected\n");
    let mut passed = 0;
    let mut given = 0;
    for StepResult { step, verdict } in transcript.steps() {
        let Some(verdict) = verdict else {
            continue;
        };
        given += 1;
        let word = if verdict.status == Status::Pass {
            passed += 1;
            green(verdict.status)
        } else {
            red(verdict.status)
        };
        let what = match step {
            Some((number, title, expected)) => format!("{number}. {title}: {expected}"),
            None => "after the last step".to_owned(),
        };
        text += &format!("  {word}  {what}\n");
    }
    let line = format!("{id}: {passed} of {given} steps passed");
    let line = if transcript.status() == Status::Pass {
        green(line)
    } else {
        red(format!(
            "{line}; steps after a failed step are not carried out"
        ))
    };
    text + &format!("\n{line}")
}
