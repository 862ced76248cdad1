// SPDX-License-Identifier: MIT OR Apache-2.0
//! For people.

use anstyle::{AnsiColor, Style};
use lab_scene::transcript::Status;

use super::lines::{compilers, conclusion, explanation, in_words};
use crate::{
    causes::{Cause, is_blocked},
    report::{Feedback, GradedCheck, GradedStage, Report},
};

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

pub(super) fn render(report: &Report, readers: Feedback) -> String {
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
    if readers == Feedback::Staff {
        text += "for staff: hidden checks have details\n";
    }
    let causes = report.causes();
    if report.errors() == 0 {
        text += &first_to_do(&causes);
    }
    for stage in &report.stages {
        text += &format!("\n{BOLD}{}{BOLD:#}\n\n", stage.title);
        text += &checks(stage);
        text += &blocked(stage, &causes);
        if let Some(score) = report.stage_score(stage) {
            let line = format!("{} score: {score}/{}", stage.short_title(), stage.max());
            text += &format!("\n{BOLD}{line}{BOLD:#}\n");
        }
    }
    text += &findings(report);
    text += &table(report);
    for shared in report.shared_failures() {
        text += &format!(
            "\n{BOLD}Probably one cause:{BOLD:#} {}.\n",
            shared.in_words()
        );
    }
    let style = if report.exit_status() == 0 {
        GREEN
    } else {
        RED
    };
    text + &format!("\n{style}{}{style:#}\n", conclusion(report))
}

/// The cause that costs most. Of equal ones it is the first.
fn first_to_do(causes: &[Cause<'_>]) -> String {
    let Some(most) = causes.iter().rev().max_by_key(|cause| cause.lost) else {
        return String::new();
    };
    format!(
        "\n{BOLD}First:{BOLD:#} {}. It costs {} in {}.\n",
        most.words,
        number(most.lost as usize, "point"),
        number(most.checks.len(), "check")
    )
}

fn number(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// Blocked checks, in a line for each cause.
fn blocked(stage: &GradedStage, causes: &[Cause<'_>]) -> String {
    let mut text = String::new();
    for cause in causes {
        let of_stage =
            |check: &&&GradedCheck| stage.checks.iter().any(|other| other.id == check.id);
        let checks: Vec<_> = (cause.checks.iter().filter(of_stage))
            .filter(|check| is_blocked(check))
            .collect();
        if checks.is_empty() {
            continue;
        }
        let lost: u32 = checks.iter().map(|check| check.max).sum();
        let names: Vec<_> = checks.iter().map(|check| name(check)).collect();
        text += &format!(
            "{YELLOW}blocked{YELLOW:#} {} (0/{lost}): {}\n    {}\n",
            number(checks.len(), "check"),
            cause.words,
            names.join(" ")
        );
    }
    text
}

fn checks(stage: &GradedStage) -> String {
    let mut text = String::new();
    let (waiting, ended): (Vec<_>, Vec<_>) =
        (stage.checks.iter()).partition(|check| check.outcome.is_planned());
    for check in ended.iter().filter(|check| !is_blocked(check)) {
        let status = check.outcome.status;
        let style = match status {
            Status::Pass => GREEN,
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
    if !waiting.is_empty() {
        let names: Vec<_> = waiting.iter().map(|check| name(check)).collect();
        let what = number(waiting.len(), "check");
        text += &format!(
            "{RED}not carried out{RED:#} {what}:\n    {}\n",
            names.join(" ")
        );
    }
    text
}

/// The id of a check, without its stage.
fn name(check: &GradedCheck) -> &str {
    let parts = check.id.split_once('/');
    parts.map_or(&check.id[..], |(_, name)| name)
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
