// SPDX-License-Identifier: MIT OR Apache-2.0
//! Give back the first text of a task. The rest of the file stays as the student has it. Pure.

use std::{collections::HashMap, ops::Range};

use lab_base::{Error, Result};
use similar::{DiffOp, TextDiff};

use crate::tasks::Task;

/// The present text with the first text of these tasks. `all` are the tasks of this file.
///
/// The code of a task lies between two lines of the first text that are still there. Code of other
/// tasks may lie there, too. A line with the name of a task, as in its TODO, begins its code.
///
/// # Errors
/// [`Error::Unexpected`] if the code of a task cannot be told apart from that of others, with the
/// names.
pub fn reset(first: &str, now: &str, wanted: &[&Task], all: &[&Task]) -> Result<String> {
    let old: Vec<&str> = first.split_inclusive('\n').collect();
    let new: Vec<&str> = now.split_inclusive('\n').collect();
    let mut tasks: Vec<(Range<usize>, &Task)> = all
        .iter()
        .filter_map(|task| Some((place(first, task)?, *task)))
        .collect();
    tasks.sort_by_key(|(range, _)| range.start);
    let mut out = String::new();
    let mut done = 0;
    for gap in gaps(first, now, &old, &new, &tasks) {
        out.extend(new[done..gap.new.start].iter().copied());
        done = gap.new.end;
        out += &gap.reset(&old, &new, wanted)?;
    }
    out.extend(new[done..].iter().copied());
    Ok(out)
}

/// The lines of a task in the first text.
fn place(first: &str, task: &Task) -> Option<Range<usize>> {
    let at = task.place_in(first)?;
    Some(at..at + task.lines)
}

/// The lines of both texts between two lines that are the same, with the tasks that lie there.
struct Gap<'a> {
    old: Range<usize>,
    new: Range<usize>,
    tasks: Vec<&'a (Range<usize>, &'a Task)>,
}

impl Gap<'_> {
    /// The present lines, with those of wanted tasks as they were.
    fn reset(&self, old: &[&str], new: &[&str], wanted: &[&Task]) -> Result<String> {
        let is_wanted = |task: &Task| wanted.iter().any(|wish| wish.name == task.name);
        let count = self.tasks.iter().filter(|it| is_wanted(it.1)).count();
        if count == 0 {
            return Ok(new[self.new.clone()].concat());
        }
        if count == self.tasks.len() {
            return Ok(old[self.old.clone()].concat());
        }
        // Where the code of each task begins; that of the first one begins with the gap.
        let begin = |at: usize| -> Option<(usize, usize)> {
            let (range, task) = match self.tasks.get(at) {
                _ if at == 0 => return Some((self.old.start, self.new.start)),
                Some(it) => it,
                None => return Some((self.old.end, self.new.end)),
            };
            let mut lines = self.new.clone();
            let line = lines.find(|&line| names(new[line], &task.name))?;
            Some((range.start, line))
        };
        let mut out = String::new();
        for (at, (_, task)) in self.tasks.iter().enumerate() {
            let Some(((old_begin, new_begin), (old_end, new_end))) = begin(at).zip(begin(at + 1))
            else {
                return Err(self.together());
            };
            out += &if is_wanted(task) {
                old[old_begin..old_end].concat()
            } else {
                new.get(new_begin..new_end)
                    .ok_or_else(|| self.together())?
                    .concat()
            };
        }
        Ok(out)
    }

    fn together(&self) -> Error {
        let names: Vec<_> = self.tasks.iter().map(|it| it.1.name.as_str()).collect();
        Error::Unexpected(format!(
            "the code of {} stands together; to reset all of it: TASK={}; to reset one task only, \
             put the name of each into a comment above its code",
            names.join(", "),
            names.join(",")
        ))
    }
}

/// Whether a line has this name as a word.
fn names(line: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    line.split(|c| !is_part(c)).any(|word| word == name)
}

/// The gaps with tasks, in order.
fn gaps<'a>(
    first: &str,
    now: &str,
    old: &[&str],
    new: &[&str],
    tasks: &'a [(Range<usize>, &'a Task)],
) -> Vec<Gap<'a>> {
    let (of_old, of_new) = (counted(old), counted(new));
    let is_fixed = |line: usize| {
        let text = old[line];
        let once = of_old.get(text) == Some(&1) && of_new.get(text) == Some(&1);
        let free = tasks.iter().all(|(range, _)| !range.contains(&line));
        once && free && !text.trim().is_empty()
    };
    let mut fixed = Vec::new();
    for op in TextDiff::from_lines(first, now).ops() {
        if let &DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            let same = (0..len).map(|at| (old_index + at, new_index + at));
            fixed.extend(same.filter(|&(line, _)| is_fixed(line)));
        }
    }
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for task in tasks {
        let before = fixed.iter().rev().find(|(line, _)| *line < task.0.start);
        let behind = fixed.iter().find(|(line, _)| *line >= task.0.end);
        let (old_start, new_start) = before.map_or((0, 0), |(a, b)| (a + 1, b + 1));
        let (old_end, new_end) = behind.copied().unwrap_or((old.len(), new.len()));
        match gaps.last_mut() {
            Some(last) if last.old.start == old_start => last.tasks.push(task),
            _ => gaps.push(Gap {
                old: old_start..old_end,
                new: new_start..new_end,
                tasks: vec![task],
            }),
        }
    }
    gaps
}

/// How often each line occurs.
fn counted<'a>(lines: &[&'a str]) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for line in lines {
        *counts.entry(*line).or_default() += 1;
    }
    counts
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
        assert_eq!(back(SOLVED, &["a-log", "a-f"]).unwrap(), FIRST);
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
        assert!(error.contains("TASK=a-log,a-f;"), "{error}");
        assert_eq!(back(now, &["a-f", "a-log"]).unwrap(), FIRST);
    }

    #[test]
    fn a_comment_with_the_name_tells_code_apart() {
        let now = "#include <a.h>\nvoid log(void)\n{\n}\n/* a-f: two. */\nint g(void)\n{\n}\n";
        let text = back(now, &["a-f"]).unwrap();
        let end = FIRST.split_once("\t/* TODO a-f").unwrap().1;
        assert_eq!(
            text,
            format!("#include <a.h>\nvoid log(void)\n{{\n}}\n\t/* TODO a-f{end}")
        );
        let text = back(now, &["a-log"]).unwrap();
        assert!(
            text.ends_with("/* a-f: two. */\nint g(void)\n{\n}\n"),
            "{text}"
        );
        assert!(text.contains("TODO a-log"), "{text}");
    }
}
