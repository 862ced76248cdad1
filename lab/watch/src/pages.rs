// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages: what is shown of a session, as rows of text. Pure.

use std::time::Instant;

use anstyle::Style;
use lab_cli::{GREEN, RED, style_of};
use lab_scene::transcript::{Entry, Status, StepResult, Verdict};

use crate::{
    record::{End, Run, State},
    row::Row,
    session::{Asked, Page, Session},
};

/// The verdict on the present step in one line: step, state, time.
pub(crate) fn headline(session: &Session, now: Instant) -> Row {
    let step = session.step().name;
    let Some(run) = session.run() else {
        return Row::bold(step);
    };
    let time = run
        .took
        .unwrap_or_else(|| now.saturating_duration_since(run.began))
        .as_secs_f64();
    let state = run.state();
    let (style, what) = match state {
        State::Running => (Style::new().bold(), doing(run)),
        State::Stopped => (Style::new().bold(), String::new()),
        State::Pass => (GREEN, format!("{} steps", run.passed())),
        State::Bad(_) => (RED, run.first_bad().map_or(String::new(), place)),
        State::Broken => (RED, "it does not compile".to_owned()),
        State::Failed => (RED, "the lab could not do its work".to_owned()),
    };
    let separator = if what.is_empty() { "" } else { ": " };
    let word = state.word();
    Row::new(
        style,
        format!("{step} {word}, {time:.1} s{separator}{what}"),
    )
}

/// What a run is doing.
fn doing(run: &Run) -> String {
    let last = run.transcript.steps().pop();
    match (last, &run.doing) {
        (Some(step), _) => place(step),
        (None, Some(doing)) => doing.trim_end_matches(" ...").to_owned(),
        (None, None) => "building".to_owned(),
    }
}

/// Number and title of a step.
fn place(result: StepResult<'_>) -> String {
    match result.step {
        Some((number, title, _)) => format!("{number}. {title}"),
        None => "after the last step".to_owned(),
    }
}

/// What the user should know besides the page.
pub(crate) fn notes(session: &Session) -> Vec<Row> {
    let lab = session.lab_changed.as_ref().map(|file| {
        Row::bold(format!(
            "the lab itself changed ({}): start watch again",
            file.display()
        ))
    });
    lab.into_iter()
        .chain(session.note.as_ref().map(Row::bold))
        .collect()
}

/// The present page.
pub(crate) fn rows(session: &Session) -> Vec<Row> {
    match &session.page {
        Page::Verdict => session.run().map_or_else(Vec::new, verdict),
        Page::List => list(session),
        Page::Diagram => diagram(session),
        Page::Hint(asked) => hint(asked),
    }
}

/// What fails first, else what was carried out.
pub(crate) fn verdict(run: &Run) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(why) = run.beginning.as_ref().and_then(|it| it.why.as_ref()) {
        rows.extend([Row::plain(why), Row::empty()]);
    }
    match (run.first_bad(), &run.end) {
        (Some(bad), _) => rows.extend(failure(run, bad)),
        (None, Some(End::Compile { what, output })) => {
            rows.push(Row::new(RED, format!("{what} does not compile")));
            rows.extend(Row::lines(Style::new(), from_the_message(output)));
        }
        (None, Some(End::Failed(why))) => {
            rows.extend(Row::lines(RED, why));
            rows.extend(run.words.iter().map(Row::plain));
        }
        (None, _) => {
            rows.extend(steps(run));
            if run.end.is_none() {
                rows.extend(lines_of_last(run));
            }
        }
    }
    let after = after(run);
    if !after.is_empty() {
        rows.push(Row::empty());
        rows.extend(after);
    }
    rows
}

/// What is said besides the record: what the demonstration did not look at, and warnings.
pub(crate) fn after(run: &Run) -> Vec<Row> {
    let mut rows: Vec<_> = run.after.iter().map(Row::from).collect();
    let is_compiled = run.beginning.is_some();
    if is_compiled && !run.words.is_empty() {
        if !rows.is_empty() {
            rows.push(Row::empty());
        }
        rows.push(Row::bold("The compiler also says"));
        rows.extend(run.words.iter().map(Row::plain));
    }
    rows
}

/// The output of a compiler without the names of files that Kbuild prints before the first message,
/// such as `  CC [M]  nl_hello.o`.
fn from_the_message(output: &str) -> &str {
    let is_name = |line: &str| {
        let name = line.strip_prefix("  ");
        name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    let mut rest = output;
    while let Some((line, after)) = rest.split_once('\n') {
        if !is_name(line) || after.is_empty() {
            break;
        }
        rest = after;
    }
    rest
}

/// A step that has failed, with what happened in it.
fn failure(run: &Run, bad: StepResult<'_>) -> Vec<Row> {
    let Some(verdict) = bad.verdict else {
        return Vec::new();
    };
    let mut rows = vec![Row::new(RED, format!("{}  {}", verdict.status, place(bad)))];
    if let Some((_, _, expected)) = bad.step {
        rows.push(Row::plain(format!("      {expected}")));
    }
    rows.push(Row::empty());
    rows.extend(reasons(verdict));
    if let Some((number, ..)) = bad.step {
        rows.extend([Row::empty(), Row::bold("What happened in this step")]);
        rows.extend(run.lines_of(number).map(line));
        if number > 1 {
            rows.extend([Row::empty(), Row::bold("The steps before it")]);
            rows.extend(steps(run).into_iter().take(number - 1));
        }
    }
    rows
}

/// What has happened so far in the step that is carried out.
fn lines_of_last(run: &Run) -> Vec<Row> {
    let last = run.transcript.steps().pop();
    let number = match last {
        Some(StepResult {
            step: Some((number, ..)),
            verdict: None,
        }) => number,
        _ => return Vec::new(),
    };
    run.lines_of(number).map(line).collect()
}

/// An entry of the record.
fn line(entry: &Entry) -> Row {
    Row::new(style_of(entry), entry.to_string())
}

/// Expectation and observation of a verdict, as in its record without the indentation there.
fn reasons(verdict: &Verdict) -> Vec<Row> {
    let entry = Entry::Verdict(verdict.clone()).to_string();
    let lines = entry.lines().skip(1);
    lines
        .map(|line| Row::plain(line.strip_prefix("     ").unwrap_or(line)))
        .collect()
}

/// The steps of the demonstration so far.
fn steps(run: &Run) -> Vec<Row> {
    let row = |result: StepResult<'_>| {
        let place = place(result);
        match result.verdict {
            Some(Verdict {
                status: Status::Pass,
                ..
            }) => Row::new(GREEN, format!("pass  {place}")),
            Some(verdict) => Row::new(RED, format!("{}  {place}", verdict.status)),
            None => Row::plain(format!("...   {place}")),
        }
    };
    run.transcript.steps().into_iter().map(row).collect()
}

/// The steps of the stage with their states, and the present demonstration.
fn list(session: &Session) -> Vec<Row> {
    let mut rows = vec![Row::bold(session.stage.title)];
    for (index, (step, run)) in session.stage.steps.iter().zip(&session.runs).enumerate() {
        let mark = if index == session.at { '>' } else { ' ' };
        let (style, state) = match run {
            None => (Style::new(), "not run yet".to_owned()),
            Some(run) => {
                let style = match run.state() {
                    State::Pass => GREEN,
                    State::Running | State::Stopped => Style::new(),
                    _ => RED,
                };
                let old = if run.is_old { ", code has changed" } else { "" };
                (style, format!("{}{old}", run.state().word()))
            }
        };
        rows.push(Row::new(style, format!("{mark} {:10} {state}", step.name)));
    }
    if let Some(run) = session.run() {
        let title = match &run.beginning {
            Some(beginning) => beginning.title.as_str(),
            None => session.step().demonstration.title,
        };
        rows.push(Row::empty());
        rows.push(Row::bold(format!("{}: {title}", session.step().name)));
        rows.extend(steps(run));
    }
    rows
}

fn diagram(session: &Session) -> Vec<Row> {
    match &session.diagram {
        Some(lines) => lines.iter().map(Row::plain).collect(),
        None => vec![Row::plain(format!(
            "The walkthrough of {} has no diagram.",
            session.stage.name
        ))],
    }
}

fn hint(asked: &Asked) -> Vec<Row> {
    if !asked.hint.is_empty() {
        let mut rows: Vec<_> = asked.hint.iter().map(Row::plain).collect();
        rows.push(Row::empty());
        rows.push(Row::plain("h for the next hint, Esc for the verdict"));
        return rows;
    }
    let check = asked.check;
    if asked.is_whole {
        let words = asked.words.iter().map(Row::plain);
        let first = Row::new(RED, format!("{check}: the lab could not read the hint"));
        return [first].into_iter().chain(words).collect();
    }
    let mut rows = vec![Row::plain(format!("{check}: asking for the hint ..."))];
    if let Some(last) = asked.words.last() {
        rows.push(Row::plain("The program that has the hints is built first."));
        rows.push(Row::plain(last));
    }
    rows
}
