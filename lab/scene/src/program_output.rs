// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expectations of output and exit status of programs in the guest.

use std::{collections::HashMap, time::Duration};

use lab_agent::{Exit, ProcessId, Stream};
use lab_machine::PATIENCE;
use nix::errno::Errno;

use crate::transcript::LineKind;
use crate::{
    halt::{Outcome, fail, readable},
    scene::{Program, Scene},
};

/// Whether a text has this part. An errno may be there in any of its spellings.
fn says(text: &str, part: &str) -> bool {
    /// The last errno of Linux (asm-generic/errno.h).
    const LAST: i32 = 133;
    let words = |errno: Errno| {
        let c = std::io::Error::from(errno).to_string();
        let c = c.split(" (os error").next().unwrap_or_default().to_owned();
        [format!("{errno:?}"), errno.desc().to_owned(), c]
    };
    let mut named = (1..=LAST)
        .map(|number| words(Errno::from_raw(number)))
        .filter(|words| words.iter().any(|word| word == part));
    text.contains(part) || named.any(|words| words.iter().any(|word| text.contains(word)))
}

/// Programs whose complaints a failure quotes, and lines of each.
const QUOTED_MAX: usize = 2;

impl Scene<'_> {
    /// The last lines that programs wrote to stderr, the last program first, for a failure that does
    /// not quote them. Each begins a line.
    pub(crate) fn complaints(&self, got: &str) -> String {
        let mut text = String::new();
        let mut quoted = 0;
        for program in self.programs.iter().rev() {
            let said = self.machine.look(|observed| {
                let output = &observed.processes.get(&program.id)?.output;
                output.get(&Stream::Stderr).cloned()
            });
            let said = said.unwrap_or_default();
            let lines = said.split(|&byte| byte == b'\n').map(readable);
            let lines: Vec<_> = lines
                .filter(|line| !line.is_empty() && !got.contains(line.as_str()))
                .collect();
            let last = &lines[lines.len().saturating_sub(QUOTED_MAX)..];
            for line in last {
                text += &format!("\n{} wrote to stderr: {line}", program.name);
            }
            quoted += usize::from(!last.is_empty());
            if quoted == QUOTED_MAX {
                break;
            }
        }
        text
    }

    /// Note output that no expectation has read. It still counts as the next output, so the next
    /// expectation fails if it is not expected.
    pub(crate) fn show_output(&mut self) {
        for program in self.programs.clone() {
            if self.muted.contains(&program.id) {
                continue;
            }
            for stream in [Stream::Stdout, Stream::Stderr] {
                let key = (program.id, stream);
                let place = |places: &HashMap<_, usize>| places.get(&key).copied();
                let mut end = place(&self.used)
                    .max(place(&self.shown))
                    .unwrap_or_default();
                while let Some((line, len)) = self
                    .machine
                    .look(|observed| next_line(observed, program.id, stream, end))
                {
                    self.note(&program.name, said_on(stream), readable(&line));
                    end += len;
                }
                self.shown.insert(key, end);
            }
        }
    }

    /// Note the expected line, unless the record has it.
    pub(crate) fn note_output(&mut self, program: &Program, stream: Stream, line: &[u8]) {
        let key = (program.id, stream);
        if self.used.get(&key) > self.shown.get(&key) {
            self.note(&program.name, said_on(stream), readable(line));
        }
    }

    /// The next line of a program, without its newline, if it is there already. Text after the last
    /// newline counts once the program has ended.
    pub(crate) fn take_line(&mut self, program: &Program, stream: Stream) -> Option<Vec<u8>> {
        let used = self.used.entry((program.id, stream)).or_default();
        let (line, len) = self
            .machine
            .look(|observed| next_line(observed, program.id, stream, *used))?;
        *used += len;
        Some(line)
    }

    /// The next line of a program, without its newline. Waits for it, up to `limit`, which is
    /// scaled; `None` after that, or when the program has ended.
    ///
    /// # Errors
    /// [`crate::Halt::Trouble`].
    pub fn wait_line(
        &mut self,
        program: &Program,
        stream: Stream,
        limit: Duration,
    ) -> Outcome<Option<Vec<u8>>> {
        let used = self
            .used
            .get(&(program.id, stream))
            .copied()
            .unwrap_or_default();
        let limit = self.machine.scaled(limit);
        let found = self.machine.wait(limit, |observed| {
            let line = next_line(observed, program.id, stream, used);
            let ended = observed.processes.get(&program.id)?.exit.is_some();
            (line.is_some() || ended).then_some(line)
        })?;
        let Some((line, len)) = found.flatten() else {
            return Ok(None);
        };
        self.used.insert((program.id, stream), used + len);
        Ok(Some(line))
    }

    /// Wait until the output of a program satisfies `enough`, or until it has ended, or the time is
    /// up. Returns its whole output so far.
    ///
    /// # Errors
    /// [`crate::Halt::Trouble`].
    pub fn wait_written(
        &mut self,
        program: &Program,
        stream: Stream,
        limit: Duration,
        enough: impl Fn(&str) -> bool,
    ) -> Outcome<String> {
        let limit = self.machine.scaled(limit);
        let mut text = String::new();
        self.machine.wait(limit, |observed| {
            let process = observed.processes.get(&program.id)?;
            let written = process.output.get(&stream).cloned().unwrap_or_default();
            text = String::from_utf8_lossy(&written).into_owned();
            (enough(&text) || process.exit.is_some()).then_some(())
        })?;
        Ok(text)
    }

    /// Expect exactly this as the next line on a program's stdout.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another line comes, or none in time.
    pub fn expect_line(&mut self, program: &Program, expected: &str) -> Outcome {
        let wanted = || {
            format!(
                "{} prints \"{}\"",
                program.name,
                readable(expected.as_bytes())
            )
        };
        match self.wait_line(program, Stream::Stdout, PATIENCE)? {
            Some(line) => {
                self.note_output(program, Stream::Stdout, &line);
                if line == expected.as_bytes() {
                    return Ok(());
                }
                Err(fail(wanted(), format!("\"{}\"", readable(&line))))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// As [`Scene::expect_line`], for a line that differs in each run. The whole line must match
    /// `pattern`; the record has `noted` in its place.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another line comes, or none in time.
    pub fn expect_line_matching(
        &mut self,
        program: &Program,
        pattern: &regex::Regex,
        noted: &str,
    ) -> Outcome {
        let wanted = || format!("{} prints \"{noted}\"", program.name);
        match self.wait_line(program, Stream::Stdout, PATIENCE)? {
            Some(line) => {
                let text = String::from_utf8_lossy(&line);
                let whole = pattern.find(&text).map(|found| found.len());
                if whole == Some(text.len()) {
                    self.note(&program.name, LineKind::Prints, noted);
                    return Ok(());
                }
                self.note_output(program, Stream::Stdout, &line);
                Err(fail(wanted(), format!("\"{}\"", readable(&line))))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// As [`Scene::expect_complaint`]; this checkout's own programs must also use this `wording`.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another line comes, or none in time.
    pub fn expect_worded_complaint(
        &mut self,
        program: &Program,
        wording: &[&str],
        parts: &[&str],
    ) -> Outcome {
        let wording = if self.others_programs() { &[] } else { wording };
        self.expect_complaint(program, &[wording, parts].concat())
    }

    /// Expect that a submitted program refuses its arguments before it does anything. It prints
    /// nothing on stdout. Its stderr contains `word`, in any case of letters. Its exit status is
    /// neither 0 nor that of a panic.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it ends otherwise or not in time.
    pub fn expect_usage_error(&mut self, program: &Program, word: &str) -> Outcome {
        /// Exit status of a Rust program whose main thread has panicked (`std::process::ExitCode`).
        const PANIC: i32 = 101;
        let wanted = format!("{} refuses its arguments with an error", program.name);
        let (exit, _) = self.end(program, &wanted)?;
        let mut said = |stream| self.wait_written(program, stream, PATIENCE, |_| true);
        let (printed, complained) = (said(Stream::Stdout)?, said(Stream::Stderr)?);
        match exit {
            Exit::Status(0 | PANIC) | Exit::Signal(_) => Err(fail(wanted, exit.to_string())),
            _ if !printed.is_empty() => {
                let got = format!("it prints \"{}\"", readable(printed.as_bytes()));
                Err(fail(wanted, got))
            }
            _ if complained.to_lowercase().contains(word) => Ok(()),
            _ => {
                let wanted = match word {
                    "" => format!("{} writes a line to stderr", program.name),
                    _ => format!("{} says {word} on stderr", program.name),
                };
                Err(fail(
                    wanted,
                    format!("\"{}\"", readable(complained.as_bytes())),
                ))
            }
        }
    }

    /// Expect that the next line on a program's stderr contains each of `parts`. An errno may be
    /// there by its name, or by the text of one of the libraries.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if another line comes, or none in time.
    pub fn expect_complaint(&mut self, program: &Program, parts: &[&str]) -> Outcome {
        let wanted = || match parts {
            [] => format!("{} writes a line to stderr", program.name),
            _ => format!("{} says {} on stderr", program.name, parts.join(", ")),
        };
        match self.wait_line(program, Stream::Stderr, PATIENCE)? {
            Some(line) => {
                self.note_output(program, Stream::Stderr, &line);
                let text = readable(&line);
                if parts.iter().all(|part| says(&text, part)) {
                    return Ok(());
                }
                Err(fail(wanted(), format!("\"{text}\"")))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// Expect that a program ends with exit status 0, exactly these bytes on its stdout, and an
    /// empty stderr.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if its output differs or it ends otherwise.
    pub fn expect_output(&mut self, program: &Program, expected: &[u8]) -> Outcome {
        let limit = self.machine.scaled(PATIENCE);
        // Output is reported before the end, so it is complete then.
        let written = self.machine.wait(limit, |observed| {
            let process = observed.processes.get(&program.id)?;
            process.exit?;
            Some(process.output.get(&Stream::Stdout).cloned())
        })?;
        let written = written.flatten().unwrap_or_default();
        if written == expected {
            self.used
                .insert((program.id, Stream::Stdout), written.len());
            if !written.is_empty() {
                self.note_output(program, Stream::Stdout, &written);
            }
            return self.expect_exit(program, Exit::Status(0));
        }
        self.expect_end(program, Exit::Status(0))?;
        Err(fail(
            format!("{} prints exactly \"{}\"", program.name, readable(expected)),
            format!("\"{}\"", readable(&written)),
        ))
    }

    /// Expect that a program has no output that was not expected before.
    ///
    /// Later output is not seen yet. It is never skipped: it makes the next expectation of this
    /// program fail.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] with the unexpected output.
    pub fn expect_silent(&mut self, program: &Program) -> Outcome {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let used = self.used.get(&(program.id, stream)).copied();
            let rest = self.machine.look(|observed| {
                let output = observed.processes.get(&program.id)?.output.get(&stream)?;
                output.get(used.unwrap_or_default()..).map(<[u8]>::to_vec)
            });
            match rest {
                Some(rest) if !rest.is_empty() => {
                    let wanted = format!("{} has nothing more to say", program.name);
                    return Err(fail(wanted, format!("\"{}\"", readable(&rest))));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The name of a program in the record.
fn said_on(stream: Stream) -> LineKind {
    match stream {
        Stream::Stdout => LineKind::Prints,
        Stream::Stderr => LineKind::Complains,
    }
}

/// The line at offset `used`, and its length in bytes with its newline.
fn next_line(
    observed: &lab_machine::Observed,
    id: ProcessId,
    stream: Stream,
    used: usize,
) -> Option<(Vec<u8>, usize)> {
    let process = observed.processes.get(&id)?;
    let rest = process.output.get(&stream)?.get(used..)?;
    match rest.iter().position(|&byte| byte == b'\n') {
        Some(end) => Some((rest[..end].to_vec(), end + 1)),
        None if process.exit.is_some() && !rest.is_empty() => Some((rest.to_vec(), rest.len())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn an_errno_is_known_by_its_name_and_by_the_texts_of_two_libraries() {
        for text in [
            "ENOTTY",
            "Not a typewriter",
            "Inappropriate ioctl for device",
        ] {
            let line = format!("message_sender: ioctl: {text}");
            assert!(says(&line, "Inappropriate ioctl for device"), "{text}");
            assert!(says(&line, "ENOTTY"), "{text}");
            assert!(!says(&line, "EINVAL"), "{text}");
        }
        assert!(!says("usage: message_sender", "Invalid argument"));
    }
}
