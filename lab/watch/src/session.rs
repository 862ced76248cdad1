// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a watch, and how it reacts to events. Pure.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use lab_stages::{Stage, Step};

use crate::{
    change::Change,
    event::{Action, Event, Key, Output},
    messages::{Order, Report},
    record::{End, Run},
};

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The present run.
    Verdict,
    /// The steps of the stage and of the demonstration.
    List,
    /// The diagram of the stage.
    Diagram,
    /// The hint for a check.
    Hint(Asked),
}

/// A hint that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The id of the check.
    pub(crate) check: &'static str,
    /// The hint.
    pub(crate) hint: Vec<String>,
    /// What else was said, for example while a program is built.
    pub(crate) words: Vec<String>,
    /// Whether that is all.
    pub(crate) is_whole: bool,
}

/// The state of a watch.
pub(crate) struct Session {
    pub(crate) stage: &'static Stage,
    /// Index of the present step.
    pub(crate) at: usize,
    /// The last run of each step.
    pub(crate) runs: Vec<Option<Run>>,
    /// How many runs were begun.
    pub(crate) begun: u64,
    pub(crate) page: Page,
    /// Something that the user should know, until the next key or save.
    pub(crate) note: Option<String>,
    /// The file of the lab that has changed.
    pub(crate) lab_changed: Option<PathBuf>,
    /// The diagram of the stage, if its walkthrough has one.
    pub(crate) diagram: Option<Vec<String>>,
    /// Whether the programs may have changed since they were built.
    programs: bool,
}

impl Session {
    /// A watch of a stage that begins with the step of this index.
    pub(crate) fn new(stage: &'static Stage, at: usize, diagram: Option<Vec<String>>) -> Self {
        Session {
            stage,
            at,
            runs: stage.steps.iter().map(|_| None).collect(),
            begun: 0,
            page: Page::Verdict,
            note: None,
            lab_changed: None,
            diagram,
            programs: true,
        }
    }

    /// The present step.
    pub(crate) fn step(&self) -> &'static Step {
        &self.stage.steps[self.at]
    }

    /// The last run of the present step.
    pub(crate) fn run(&self) -> Option<&Run> {
        self.runs[self.at].as_ref()
    }

    /// Begin a run of the present step, and end the one before it.
    pub(crate) fn begin(&mut self, because: String, at: Instant) -> Vec<Action> {
        let mut actions = self.stop();
        self.page = Page::Verdict;
        self.begun += 1;
        self.runs[self.at] = Some(Run::new(because, at));
        actions.push(Action::Run(Order {
            step: self.step().name.to_owned(),
            programs: self.programs,
        }));
        actions
    }

    /// End the present run, if it goes on.
    fn stop(&mut self) -> Vec<Action> {
        match &mut self.runs[self.at] {
            Some(run) if run.end.is_none() => {
                run.end = Some(End::Stopped);
                // The next worker has built none.
                self.programs = true;
                vec![Action::Stop]
            }
            _ => Vec::new(),
        }
    }

    /// React to an event. Returns what is to be done.
    pub(crate) fn react(&mut self, event: &Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Saved { paths, at } => self.saved(paths, *at),
            Event::Lost { at } => {
                self.programs = true;
                self.outdate();
                self.begin("too many files changed at once".into(), *at)
            }
            Event::Blind(why) => {
                self.note = Some(why.clone());
                Vec::new()
            }
            Event::Report(report) => {
                if matches!(report, Report::Built) {
                    self.programs = false;
                }
                if let Some(run) = &mut self.runs[self.at] {
                    run.add(report.clone(), now);
                }
                Vec::new()
            }
            Event::Words(line) => {
                if let Some(run) = &mut self.runs[self.at] {
                    run.add_words(line.clone());
                }
                Vec::new()
            }
            Event::WorkerEnded => {
                self.programs = true;
                if let Some(run) = &mut self.runs[self.at]
                    && run.end.is_none()
                {
                    let why = "the process that builds and runs has ended".to_owned();
                    run.add(Report::Failed(why), now);
                }
                Vec::new()
            }
            Event::Hint(output) => {
                if let Page::Hint(asked) = &mut self.page {
                    match output {
                        Output::Stdout(line) => asked.hint.push(line.clone()),
                        Output::Stderr(line) => asked.words.push(line.clone()),
                    }
                }
                Vec::new()
            }
            Event::HintEnded => {
                if let Page::Hint(asked) = &mut self.page {
                    asked.is_whole = true;
                }
                Vec::new()
            }
            Event::Key(key) => self.pressed(*key, now),
        }
    }

    fn saved(&mut self, paths: &[PathBuf], at: Instant) -> Vec<Action> {
        let mut mine: Vec<&Path> = Vec::new();
        let stage = self.stage;
        let changes = paths
            .iter()
            .filter_map(|path| Some((path, Change::of(stage, path)?)));
        for (path, change) in changes {
            self.note = None;
            match change {
                Change::Lab => self.lab_changed = Some(path.clone()),
                Change::Module(name) if !self.step().modules.contains(&name) => {
                    self.of_another_step(name, path);
                }
                Change::Module(_) => mine.push(path),
                Change::Headers => {
                    self.outdate();
                    mine.push(path);
                }
                Change::Programs => {
                    self.outdate();
                    self.programs = true;
                    mine.push(path);
                }
            }
        }
        let Some(first) = mine.first() else {
            return Vec::new();
        };
        let more = match mine.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        self.begin(format!("{}{more} changed", first.display()), at)
    }

    /// A module of another step was saved.
    fn of_another_step(&mut self, module: &str, path: &Path) {
        let uses = |step: &Step| step.modules.contains(&module);
        for (step, run) in self.stage.steps.iter().zip(&mut self.runs) {
            if uses(step) {
                self.note = Some(format!("{} belongs to step {}", path.display(), step.name));
                if let Some(run) = run {
                    run.is_old = true;
                }
            }
        }
    }

    /// Code has changed that all steps may use.
    fn outdate(&mut self) {
        for run in self.runs.iter_mut().flatten() {
            run.is_old = true;
        }
    }

    fn pressed(&mut self, key: Key, now: Instant) -> Vec<Action> {
        self.note = None;
        let shown = match key {
            Key::Quit => return vec![Action::Quit],
            Key::Hint => return self.hint(),
            Key::Next => return self.next(now),
            Key::Back => Page::Verdict,
            Key::List => Page::List,
            Key::Diagram => Page::Diagram,
        };
        self.page = if self.page == shown {
            Page::Verdict
        } else {
            shown
        };
        Vec::new()
    }

    fn next(&mut self, now: Instant) -> Vec<Action> {
        let steps = self.stage.steps;
        if steps.len() == 1 {
            self.note = Some(format!("{} is the only step", self.step().name));
            return Vec::new();
        }
        let mut actions = self.stop();
        self.at = (self.at + 1) % steps.len();
        if self.at == 0 {
            self.note = Some("that was the last step; this is the first".to_owned());
        }
        actions.extend(self.begin("next step".into(), now));
        actions
    }

    /// Ask for the hint for what fails first.
    fn hint(&mut self) -> Vec<Action> {
        let run = self.run();
        let failing = run.and_then(Run::first_bad);
        let title = failing
            .and_then(|step| step.step)
            .map(|(_, title, _)| title);
        match title.and_then(|title| self.step().check_for(title)) {
            Some(check) => {
                self.page = Page::Hint(Asked {
                    check: check.id,
                    ..Asked::default()
                });
                vec![Action::Hint(check.id)]
            }
            None => {
                let broken = run.is_some_and(|run| matches!(run.end, Some(End::Compile { .. })));
                let note = if broken {
                    "there is no hint for code that does not compile"
                } else if failing.is_some() {
                    "there is no hint for this failure"
                } else {
                    "nothing fails, so there is no hint"
                };
                self.note = Some(note.to_owned());
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests;
