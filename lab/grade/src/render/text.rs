// SPDX-License-Identifier: MIT OR Apache-2.0
//! For people.

use anstyle::{AnsiColor, Style};
use lab_scene::transcript::Status;

use super::lines::{compilers, conclusion, explanation, in_words};
use crate::report::{GradedCheck, GradedStage, Report};

const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();

/// Columns of the table, in its order.
const COLUMNS: [(&str, Status); 6] = [
    ("pass", Status::Pass),
    ("fail", Status::Fail),
    ("crash", Status::Crash),
    ("timeout", Status::Timeout),
    ("blocked", Status::Blocked),
    ("error", Status::Error),
];

pub(super) fn render(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{BOLD}{}{BOLD:#}\nkernel {}, {} on {}, {} machines, seed {}\n{}\n",
        report.submission,
        report.kernel,
        machine.accelerator,
        machine.cpu,
        machine.start,
        report.seed,
        compilers(report),
    );
    for stage in &report.stages {
        text += &format!("\n{BOLD}{}{BOLD:#}\n\n", stage.title);
        text += &checks(stage);
        if let Some(score) = report.stage_score(stage) {
            let line = format!("{} score: {score}/{}", stage.short_title(), stage.max());
            text += &format!("\n{BOLD}{line}{BOLD:#}\n");
        }
    }
    text += &findings(report);
    text += &table(report);
    let style = if report.exit_status() == 0 {
        GREEN
    } else {
        RED
    };
    text + &format!("\n{style}{}{style:#}\n", conclusion(report))
}

fn checks(stage: &GradedStage) -> String {
    let mut text = String::new();
    for check in &stage.checks {
        let status = check.outcome.status;
        let style = match status {
            Status::Pass => GREEN,
            Status::Blocked => YELLOW,
            _ => RED,
        };
        text += &format!(
            "{} ... {style}{status}{style:#} ({:.1} s) {}/{}\n",
            check.id,
            check.outcome.time.as_secs_f64(),
            check.points(),
            check.max
        );
        for line in explanation(check) {
            text += &format!("    {line}\n");
        }
    }
    text
}

fn findings(report: &Report) -> String {
    let findings = report.findings();
    if findings.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{BOLD}Besides{BOLD:#}\n");
    for finding in findings {
        let said = in_words(&finding).replace('\n', "\n            ");
        text += &format!("  {:<10}{said}\n", finding.kind);
    }
    text
}

fn table(report: &Report) -> String {
    let mut text = format!("\n{BOLD}{:<14}", "");
    for (name, _) in COLUMNS {
        text += &format!("{name:>9}");
    }
    text += &format!("{:>9}{BOLD:#}\n", "score");
    for stage in &report.stages {
        text += &format!("{:<14}", stage.short_title());
        for (_, status) in COLUMNS {
            let of_status = |check: &&GradedCheck| check.outcome.status == status;
            text += &format!("{:>9}", stage.checks.iter().filter(of_status).count());
        }
        let score = match report.stage_score(stage) {
            Some(score) => format!("{score}/{}", stage.max()),
            None => "none".to_owned(),
        };
        text += &format!("{score:>9}\n");
    }
    text
}
