// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources of figures: `lab-bench` in a machine, and `threads --compare` on the host.

use std::{path::Path, time::Duration};

use lab_agent::{Exit, Op, Stdin, Stream, WORK_DIR};
use lab_base::{Error, Result, environment, output_of};
use lab_bench::{Sample, Spent, Test, Way};
use lab_machine::{Machine, Trouble};
use lab_scene::workshop::Workshop;

/// Deadline of all measurements on a machine with speed factor 1.
const LIMIT: Duration = Duration::from_secs(1200);

/// Both modules, and the program that measures them.
const MODULES: [&str; 2] = ["message_slot", "nl_router"];

/// The amount of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// This many rounds, with enough work for meaningful figures.
    Rounds(usize),
    /// Once, with as little work as possible.
    Quick,
}

/// Measure slot and router in a machine.
///
/// # Errors
/// [`Error::Compile`]; [`Error::Unexpected`] if the machine or the program fails, or prints a line
/// that is not a sample.
pub fn in_machine(
    workshop: &Workshop,
    machine: &mut Machine,
    effort: Effort,
) -> Result<Vec<Sample>> {
    for module in MODULES {
        let file = workshop.module(module)?;
        let path = machine.put(&file).map_err(trouble)?;
        let params = String::new();
        let inserted = machine.order("inserting a module", Op::Insert { path, params });
        inserted
            .map_err(trouble)?
            .map_err(|refusal| Error::Unexpected(format!("{module}: {refusal}")))?;
    }
    let program = machine
        .put(&workshop.program("lab-bench")?)
        .map_err(trouble)?;
    let mut argv = vec![program, WORK_DIR.into()];
    match effort {
        Effort::Rounds(rounds) => argv.push(format!("--rounds={rounds}")),
        Effort::Quick => argv.extend(["--rounds=1".into(), "--quick".into()]),
    }
    let (process, started) = machine.spawn(argv, 0, Stdin::Closed).map_err(trouble)?;
    started.map_err(|refusal| Error::Unexpected(format!("lab-bench: {refusal}")))?;
    let ended = machine.wait(machine.scaled(LIMIT), |observed| {
        let process = observed.processes.get_mut(&process)?;
        let exit = process.exit?;
        Some((exit, std::mem::take(&mut process.output)))
    });
    let limit = machine.scaled(LIMIT).as_secs();
    let (exit, mut output) = ended
        .map_err(trouble)?
        .ok_or_else(|| Error::Unexpected(format!("lab-bench does not end within {limit} s")))?;
    let mut said = |stream| {
        let bytes = output.remove(&stream).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    if exit != Exit::Status(0) {
        let why = said(Stream::Stderr);
        return Err(Error::Unexpected(format!("{}, {exit}", why.trim_end())));
    }
    samples(&said(Stream::Stdout))
}

fn trouble(trouble: Trouble) -> Error {
    Error::Unexpected(trouble.to_string())
}

/// One sample per line.
fn samples(lines: &str) -> Result<Vec<Sample>> {
    let sample = |line: &str| {
        serde_json::from_str(line)
            .map_err(|error| Error::Unexpected(format!("expected a sample, found {line}: {error}")))
    };
    lines.lines().map(sample).collect()
}

/// Pass this many numbers through each buffer of part 1, with this many threads of each kind.
///
/// # Errors
/// [`Error::Tool`] if the program fails, [`Error::Unexpected`] if it prints something else.
pub fn buffers(program: &Path, items: u64, threads: u64) -> Result<Vec<Sample>> {
    let mut command = environment::command(program);
    command
        .arg("--compare")
        .args(["--items", &items.to_string()])
        .args(["--producers", &threads.to_string()])
        .args(["--consumers", &threads.to_string()]);
    compared(
        &output_of("comparing buffers", &mut command)?,
        items,
        threads,
    )
}

/// Parse the output of `threads --compare`: a headline, heads of columns, and a line for each
/// buffer with its name, seconds and items per second.
fn compared(text: &str, items: u64, threads: u64) -> Result<Vec<Sample>> {
    let unexpected = || Error::Unexpected(format!("expected a table of buffers, found:\n{text}"));
    let mut found = Vec::new();
    for line in text.lines().skip(2) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [name, _, per_second] = fields[..] else {
            return Err(unexpected());
        };
        let way = match name {
            "mutex" => Way::Mutex,
            "crossbeam" => Way::Crossbeam,
            "std" => Way::Std,
            _ => return Err(unexpected()),
        };
        // More exact than the seconds.
        let per_second: f64 = per_second.parse().map_err(|_| unexpected())?;
        found.push(Sample {
            test: Test::Buffer,
            way,
            size: threads,
            operations: items,
            spent: Spent::Time {
                wall_ns: (items as f64 / per_second * 1e9) as u64,
                cpu_ns: None,
            },
        });
    }
    if found.is_empty() {
        return Err(unexpected());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_sample() {
        let sample = Sample {
            test: Test::FanOut,
            way: Way::Router,
            size: 8,
            operations: 80,
            spent: Spent::Memory(7),
        };
        let line = serde_json::to_string(&sample).unwrap();
        assert_eq!(samples(&format!("{line}\n{line}\n")).unwrap().len(), 2);
        assert_eq!(samples(&line).unwrap(), [sample]);
        for wrong in ["{}", "words", "{\"test\":\"fan-out\"}"] {
            assert!(samples(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_table_of_buffers_is_read() {
        let text = "\
4000 items in order, 2 producers, 2 consumers, capacity 1024
buffer             s      items/s
mutex          0.002      2000000
crossbeam      0.000     16000000
";
        let found = compared(text, 4000, 2).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|sample| (sample.way, sample.size, sample.spent))
            .collect();
        let time = |wall_ns| Spent::Time {
            wall_ns,
            cpu_ns: None,
        };
        let expected = [
            (Way::Mutex, 2, time(2_000_000)),
            (Way::Crossbeam, 2, time(250_000)),
        ];
        assert_eq!(shown, expected);
        for wrong in [
            "",
            "a\nb\n",
            "a\nb\nmutex 1\n",
            "a\nb\nown 1 2\n",
            "a\nb\nstd 1 x\n",
        ] {
            assert!(compared(wrong, 1, 1).is_err(), "{wrong:?}");
        }
    }
}
