// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records, formatted for people.

use anstream::println;
use anstyle::{AnsiColor, Style};
use lab_scene::transcript::{Entry, LineKind, Status};

use crate::style::{bold, green, red, styled};

/// One entry of a record, in colour.
pub fn show(entry: &Entry) {
    match entry {
        Entry::Step { .. } => println!("{}", bold(entry)),
        Entry::Line { kind, .. } => {
            let style = match kind {
                LineKind::Does => Style::new(),
                LineKind::Types => AnsiColor::Cyan.on_default(),
                LineKind::Prints => AnsiColor::Green.on_default(),
                LineKind::Complains => AnsiColor::Yellow.on_default(),
                LineKind::Logs => AnsiColor::Magenta.on_default(),
            };
            println!("{}", styled(style, entry));
        }
        Entry::Verdict(verdict) if verdict.status == Status::Pass => println!("{}", green(entry)),
        Entry::Verdict(_) => println!("{}", red(entry)),
    }
}
