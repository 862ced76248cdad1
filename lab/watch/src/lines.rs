// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain lines, where there is no screen: stdout is no terminal, or a dumb one. Keys are lines of
//! stdin that begin with the letter.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Instant,
};

use lab_cli::{bold, spawn, styled};

use crate::{
    event::{Event, Key},
    messages::Report,
    pages,
    record::End,
    row::Row,
    session::{Page, Session},
};

/// The lines that were printed, as far as later ones depend on them.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The number of the run that was printed last.
    begun: u64,
    /// Whether its verdict was printed.
    is_judged: bool,
    note: Option<String>,
    lab_changed: bool,
}

impl Lines {
    /// Whether only lines can be shown: a program reads stdout, or its terminal moves no cursor.
    pub(crate) fn are_needed() -> bool {
        let terminal = std::env::var("TERM").unwrap_or_default();
        !io::stdout().is_terminal() || matches!(terminal.as_str(), "" | "dumb")
    }

    /// Read keys from stdin. Its end means nothing: a program may have none.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn open(mut tell: impl FnMut(Key) + Send + 'static) -> anyhow::Result<Self> {
        spawn("keys", move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if let Some(key) = line.chars().next().and_then(Key::of) {
                    tell(key);
                }
            }
        })?;
        Ok(Lines::default())
    }

    /// Print what a session has got new with this event.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(crate) fn tell(
        &mut self,
        session: &Session,
        event: Option<&Event>,
        now: Instant,
    ) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        let Some(run) = session.run() else {
            return Ok(());
        };
        if self.begun != session.begun {
            self.begun = session.begun;
            self.is_judged = false;
            let step = session.step().name;
            writeln!(out, "\n{}", bold(format!("Step {step}: {}", run.because)))?;
        }
        match event {
            Some(Event::Report(Report::Begun(beginning))) => {
                writeln!(out, "{}, kernel {}\n", beginning.title, beginning.kernel)?;
                if let Some(why) = &beginning.why {
                    writeln!(out, "{why}\n")?;
                }
            }
            Some(Event::Report(Report::Entry(entry))) => {
                writeln!(out, "{}", styled(lab_cli::style_of(entry), entry))?;
            }
            Some(Event::Key(_) | Event::HintEnded) if session.page != Page::Verdict => {
                let is_asking = matches!(&session.page, Page::Hint(asked) if !asked.is_whole);
                if !is_asking {
                    print(&mut out, &pages::rows(session))?;
                }
            }
            _ => {}
        }
        if run.end.is_some() && !self.is_judged {
            self.is_judged = true;
            if let (Some(End::Shown), Some(beginning)) = (&run.end, &run.beginning) {
                writeln!(
                    out,
                    "\n{}\n",
                    lab_cli::summary(&beginning.id, &run.transcript)
                )?;
                print(&mut out, &pages::after(run))?;
            } else if run.end != Some(End::Stopped) {
                print(&mut out, &pages::verdict(run))?;
            }
            print(&mut out, &[pages::headline(session, now)])?;
        }
        if session.lab_changed.is_some() && !self.lab_changed {
            self.lab_changed = true;
            print(&mut out, &pages::notes(session)[..1])?;
        }
        if self.note != session.note {
            self.note.clone_from(&session.note);
            if let Some(note) = &session.note {
                writeln!(out, "{}", bold(note))?;
            }
        }
        out.flush()
    }
}

fn print(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    for row in rows {
        writeln!(out, "{}", styled(row.style, &row.text))?;
    }
    Ok(())
}
