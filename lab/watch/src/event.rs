// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the session reacts to, and what it has done. Pure.

use std::{path::PathBuf, time::Instant};

use crate::messages::{Order, Report};

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Files were saved, renamed or removed; the first of them at this time.
    Saved {
        /// Relative to the checkout.
        paths: Vec<PathBuf>,
        at: Instant,
    },
    /// The kernel has dropped events: any file may have changed.
    Lost { at: Instant },
    /// Files cannot be watched as they should be.
    Blind(String),
    /// The worker has reported something.
    Report(Report),
    /// The worker has written a line to stderr.
    Words(String),
    /// The worker has ended.
    WorkerEnded,
    /// The program with the hints has written a line.
    Hint(Output),
    /// It has ended.
    HintEnded,
    /// A key was pressed.
    Key(Key),
}

/// A line of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout(String),
    Stderr(String),
}

/// A key with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Hint,
    Next,
    List,
    Diagram,
    Back,
    Quit,
}

impl Key {
    /// The key of a letter.
    pub(crate) fn of(letter: char) -> Option<Self> {
        match letter {
            'h' => Some(Key::Hint),
            'n' => Some(Key::Next),
            'l' => Some(Key::List),
            'd' => Some(Key::Diagram),
            'q' => Some(Key::Quit),
            _ => None,
        }
    }
}

/// Something that is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// End the worker and all that it has started.
    Stop,
    /// Give the worker an order; start it first if there is none.
    Run(Order),
    /// Ask for the next hint for the check with this id.
    Hint(&'static str),
    /// End this program.
    Quit,
}
