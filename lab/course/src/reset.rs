// SPDX-License-Identifier: MIT OR Apache-2.0
//! Give back the first text of a task. The rest of the file stays as the student has it. Pure.

use std::ops::Range;

use lab_base::{Error, Result};
use similar::{DiffOp, TextDiff};

use crate::tasks::Task;

/// The present text with the first text of these tasks. `all` are the tasks of this file.
///
/// Lines that differ from the first text and lie at a task are replaced. If such lines lie at another
/// task, too, nobody can tell which line belongs to which.
///
/// # Errors
/// [`Error::Unexpected`] if the text of a task cannot be told apart from that of another, with the
/// names.
pub fn reset(first: &str, now: &str, wanted: &[&Task], all: &[&Task]) -> Result<String> {
    let diff = TextDiff::from_lines(first, now);
    let old: Vec<&str> = first.split_inclusive('\n').collect();
    let new: Vec<&str> = now.split_inclusive('\n').collect();
    let mut out = String::new();
    for op in diff.ops() {
        if matches!(op, DiffOp::Equal { .. }) {
            out.extend(new[op.new_range()].iter().copied());
            continue;
        }
        let at = |task: &&&Task| place(first, task).is_some_and(|range| touches(op, &range));
        let (mine, others): (Vec<&&Task>, Vec<&&Task>) = all
            .iter()
            .filter(at)
            .partition(|task| wanted.iter().any(|wish| wish.name == task.name));
        match (mine.first(), others.first()) {
            (Some(mine), Some(other)) => {
                return Err(Error::Unexpected(format!(
                    "the code of {} cannot be told apart from that of {}; to reset both: TASK={},{}",
                    mine.name, other.name, mine.name, other.name
                )));
            }
            (Some(_), None) => out.extend(old[op.old_range()].iter().copied()),
            (None, _) => out.extend(new[op.new_range()].iter().copied()),
        }
    }
    Ok(out)
}

/// The lines of a task in the first text.
fn place(first: &str, task: &Task) -> Option<Range<usize>> {
    let at = task.place_in(first)?;
    Some(at..at + task.lines)
}

/// Whether a change lies at these lines of the first text, or directly beside them.
fn touches(op: &DiffOp, range: &Range<usize>) -> bool {
    let old = op.old_range();
    if old.is_empty() {
        return range.start <= old.start && old.start <= range.end;
    }
    old.start < range.end && range.start < old.end
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "\
#include <a.h>

/* TODO a-log: log it (A1) */

int f(void)
{
	/* TODO a-f: the answer (A2) */
	return -1;
}
";

    fn task(name: &str, lines: usize) -> Task {
        Task {
            name: name.into(),
            task: String::new(),
            file: "a.c".into(),
            lines,
            solution: None,
        }
    }

    fn back(now: &str, names: &[&str]) -> Result<String> {
        let all = [task("a-log", 1), task("a-f", 2)];
        let all: Vec<&Task> = all.iter().collect();
        let wanted: Vec<&Task> = all
            .iter()
            .filter(|task| names.contains(&task.name.as_str()))
            .copied()
            .collect();
        reset(FIRST, now, &wanted, &all)
    }

    const SOLVED: &str = "\
#include <a.h>
#include <b.h>

static void log(void)
{
	b();
}

int f(void)
{
	log();
	return 2;
}
";

    #[test]
    fn one_task_is_given_back_and_the_rest_stays() {
        let text = back(SOLVED, &["a-f"]).unwrap();
        let begin = SOLVED.split("\tlog();").next().unwrap();
        let end = FIRST.split("{\n").nth(1).unwrap();
        assert_eq!(text, format!("{begin}{end}"));
        let text = back(SOLVED, &["a-log", "a-f"]).unwrap();
        assert_eq!(text, FIRST.replace("<a.h>\n", "<a.h>\n#include <b.h>\n"));
    }

    #[test]
    fn code_beside_a_todo_that_stays_is_taken_too() {
        let now = FIRST.replace("\treturn -1;\n", "\treturn -1;\n\treturn 2;\n");
        assert_eq!(back(&now, &["a-f"]).unwrap(), FIRST);
        assert_eq!(back(&now, &["a-log"]).unwrap(), now);
        assert_eq!(back(FIRST, &["a-log"]).unwrap(), FIRST);
    }

    #[test]
    fn code_of_two_tasks_in_one_piece_is_told() {
        let now = "#include <a.h>\n\nint f(void) { return 2; }\n";
        let error = back(now, &["a-f"]).unwrap_err().to_string();
        assert!(error.ends_with("to reset both: TASK=a-f,a-log"), "{error}");
        assert_eq!(back(now, &["a-f", "a-log"]).unwrap(), FIRST);
    }
}
