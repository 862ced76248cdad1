// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab watch`: brings files, keys, processes and the terminal together.

use std::{
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use anyhow::Context;
use lab_base::paths::Paths;
use lab_cli::{Wish, on_signals};
use lab_stages::{Stage, walkthrough};
use nix::sys::signal::Signal;

use crate::{
    diagram::first_text_block,
    event::{Action, Event},
    files::{Files, Seen},
    group::adopt_orphans,
    lines::Lines,
    process::Process,
    screen::{Input, Screen},
    session::Session,
    settle::Settling,
};

/// How often the time of a run is shown.
const TICK: Duration = Duration::from_secs(1);

/// What the threads of this program tell its main thread.
enum Told {
    Files(Seen),
    Terminal(Input),
    /// From the process with this number.
    Process(u64, Event),
    /// A signal has asked this program to end.
    End,
}

/// Repeat the demonstration of a step whenever its code is saved, until the user ends it. Without
/// `step`, it begins with the first step of the stage.
///
/// # Errors
/// There is no such stage; files cannot be watched; the terminal is gone.
pub fn watch(stage: &str, step: Option<&str>, wish: Wish) -> anyhow::Result<ExitCode> {
    let stage = lab_stages::stage_named(if stage.is_empty() { "none" } else { stage })?;
    let paths = Paths::find()?;
    let (send, receive) = channel();
    // Before other threads start. A terminal that is closed sends SIGHUP.
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    on_signals(&signals, {
        let send = send.clone();
        move || drop(send.send(Told::End))
    })?;
    adopt_orphans().context("adopting orphans")?;
    let files = Files::watch(&paths.checkout, stage.package, to(&send, Told::Files))?;
    let page = walkthrough::read(&paths.checkout, stage.name).unwrap_or_default();
    let (at, note) = place_of(stage, step);
    let mut session = Session::new(stage, at, first_text_block(&page));
    session.note = note;
    let mut watch = Watch {
        paths,
        wish,
        display: Display::open(&send)?,
        session,
        files,
        settling: Settling::default(),
        worker: None,
        hint: None,
        processes: 0,
        send,
    };
    watch.run(&receive)?;
    Ok(ExitCode::SUCCESS)
}

/// The index of a step. If there is none of this name, the first, and what to tell the user.
fn place_of(stage: &Stage, step: Option<&str>) -> (usize, Option<String>) {
    let Some(name) = step else {
        return (0, None);
    };
    let place = stage.steps.iter().position(|step| step.name == name);
    let note = || {
        let names: Vec<_> = stage.steps.iter().map(|step| step.name).collect();
        format!(
            "expected STEP to be one of {}, found {name}; this is the first",
            names.join(", ")
        )
    };
    place.map_or_else(|| (0, Some(note())), |place| (place, None))
}

/// A function that sends what it gets to the main thread. If that has ended, nobody needs it.
fn to<T, F: Fn(T) -> Told>(send: &Sender<Told>, told: F) -> impl Fn(T) + use<T, F> {
    let send = send.clone();
    move |it| drop(send.send(told(it)))
}

/// Where a session is shown.
enum Display {
    Screen(Screen),
    Lines(Lines),
}

impl Display {
    /// The screen, or lines where there is none.
    fn open(send: &Sender<Told>) -> anyhow::Result<Self> {
        let lines = || {
            let key = to(send, |key| Told::Terminal(Input::Key(key)));
            Lines::open(key).map(Display::Lines)
        };
        if Lines::are_needed() {
            return lines();
        }
        match Screen::open(to(send, Told::Terminal)) {
            Ok(screen) => Ok(Display::Screen(screen)),
            // For example stdin is no terminal, and there is no other.
            Err(_) => lines(),
        }
    }

    /// Show a session after an event.
    fn show(&mut self, session: &Session, event: Option<&Event>) -> anyhow::Result<()> {
        let now = Instant::now();
        match self {
            Display::Screen(screen) => screen.draw(session, now),
            Display::Lines(lines) => lines.tell(session, event, now),
        }
        .context("writing to the terminal")
    }
}

struct Watch {
    paths: Paths,
    wish: Wish,
    session: Session,
    files: Files,
    settling: Settling,
    worker: Option<(u64, Process)>,
    hint: Option<(u64, Process)>,
    /// How many processes were started.
    processes: u64,
    send: Sender<Told>,
    // Dropped last, so that errors are not printed into the screen.
    display: Display,
}

impl Watch {
    /// Watch until the user ends it.
    fn run(&mut self, receive: &Receiver<Told>) -> anyhow::Result<()> {
        let first = self.session.begin("start".into(), Instant::now());
        if self.carry_out(first)? {
            return Ok(());
        }
        self.display.show(&self.session, None)?;
        loop {
            let left = self.settling.left(Instant::now()).unwrap_or(TICK).min(TICK);
            let told = match receive.recv_timeout(left) {
                Ok(told) => Some(told),
                Err(RecvTimeoutError::Timeout) => None,
                // This value has a sender.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let event = match told {
                Some(Told::End | Told::Terminal(Input::Gone)) => return Ok(()),
                Some(told) => self.event_of(told)?,
                None => None,
            };
            let saved = self.settling.take(Instant::now());
            let saved = saved.map(|(paths, at)| Event::Saved { paths, at });
            let events: Vec<_> = event.into_iter().chain(saved).collect();
            for event in &events {
                let actions = self.session.react(event, Instant::now());
                if self.carry_out(actions)? {
                    return Ok(());
                }
                self.display.show(&self.session, Some(event))?;
            }
            if events.is_empty() {
                self.display.show(&self.session, None)?;
            }
        }
    }

    /// The event that the session reacts to.
    fn event_of(&mut self, told: Told) -> anyhow::Result<Option<Event>> {
        let now = Instant::now();
        Ok(match told {
            Told::Files(Seen::Changed(paths)) => {
                let blind = self.files.again(&paths).err();
                self.settling.add(paths, now);
                blind.map(|error| Event::Blind(format!("{error:#}")))
            }
            Told::Files(Seen::Lost) => Some(Event::Lost { at: now }),
            Told::Files(Seen::Blind(why)) => Some(Event::Blind(why)),
            Told::Terminal(Input::Key(key)) => Some(Event::Key(key)),
            Told::Terminal(Input::Scroll(scroll)) => {
                if let Display::Screen(screen) = &mut self.display {
                    screen.scroll(scroll);
                }
                None
            }
            Told::Process(number, event) => {
                let present = self.worker.iter().chain(&self.hint);
                let is_present = present.into_iter().any(|(present, _)| *present == number);
                if is_present && matches!(event, Event::WorkerEnded) {
                    self.worker = None;
                }
                is_present.then_some(event)
            }
            // The next drawing has the new size.
            Told::Terminal(Input::Resized | Input::Gone) | Told::End => None,
        })
    }

    /// Do what the session wants. Returns whether it wants to end.
    fn carry_out(&mut self, actions: Vec<Action>) -> anyhow::Result<bool> {
        for action in actions {
            match action {
                Action::Quit => return Ok(true),
                Action::Stop => self.worker = None,
                Action::Hint(check) => {
                    // The one before it ends first, because both would build the same.
                    self.hint = None;
                    let (number, tell) = self.teller();
                    let hint = Process::hint(&self.paths, check, tell)?;
                    self.hint = Some((number, hint));
                }
                Action::Run(order) => {
                    if self.worker.is_none() {
                        let (number, tell) = self.teller();
                        let worker = Process::worker(self.session.stage.name, self.wish, tell)?;
                        self.worker = Some((number, worker));
                    }
                    if let Some((_, worker)) = &mut self.worker {
                        worker.order(&order)?;
                    }
                }
            }
        }
        Ok(false)
    }

    /// A number for a process, and where its events go.
    fn teller(&mut self) -> (u64, impl Fn(Event) + Clone + Send + use<>) {
        self.processes += 1;
        let (number, send) = (self.processes, self.send.clone());
        let tell = move |event| drop(send.send(Told::Process(number, event)));
        (number, tell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_told_and_the_first_is_taken() {
        let stage = lab_stages::stage("part2").unwrap();
        assert_eq!(place_of(stage, None), (0, None));
        assert_eq!(place_of(stage, Some("pubsub")), (3, None));
        let (place, note) = place_of(stage, Some("pubsubs"));
        assert_eq!(place, 0);
        let note = note.unwrap();
        assert!(note.contains("hello, greeting, routes, pubsub, found pubsubs"));
    }
}
