// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order in which students write the tasks of a stage: the section "Build it in this order"
//! of its walkthrough.
//!
//! The section has a heading `### STEP` for each step of the stage, in the order of the catalogue.
//! Below it stand a few words, and then a numbered list. An item that begins with
//! `` `NAME`: `` is the task NAME, which is a region of the solution and a TODO of the starter:
//!
//! ```text
//! ### slot
//!
//! 1. `mslot-state`: Write a struct for one message.
//!    The lines of an item are indented.
//! 2. Run `make message-slot`. This item is no task.
//! ```
//!
//! Whether each region has its item is a test in `lab/tests/grading/`: a starter has no regions.

use std::path::Path;

use lab_base::{Error, Result};
use lab_stages::{Stage, walkthrough};

const SECTION: &str = "## Build it in this order";

/// A task in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The step in which it is written, as in `STEP=NAME`. A later step may use it, too.
    pub step: &'static str,
    /// The name of its region and its TODO.
    pub name: String,
    /// What to write, in one line: the words of the item after the name, with the backticks around
    /// code, and without links.
    pub words: String,
    /// The line of the walkthrough, from 1, in which the item begins. The walkthrough is at
    /// [`walkthrough::path_of`] the stage's name.
    pub line: usize,
}

/// The tasks of a stage in the order in which they are written, those of its first step first.
///
/// # Errors
/// [`Error::Io`] if the walkthrough cannot be read. [`Error::Unexpected`], with file and line, if
/// it has no such section, no list for a step, a list for an unknown step, a wrong number or a
/// task twice.
pub fn order(checkout: &Path, stage: &Stage) -> Result<Vec<Placed>> {
    let steps: Vec<&str> = stage.steps.iter().map(|step| step.name).collect();
    let text = walkthrough::read(checkout, stage.name)?;
    parse(&text, &steps).map_err(|(line, what)| {
        let file = walkthrough::path_of(stage.name);
        Error::Unexpected(format!("{}:{line}: {what}", file.display()))
    })
}

/// An item of a list.
struct Item<'a> {
    line: usize,
    number: usize,
    text: &'a str,
    /// The lines below its first.
    rest: Vec<&'a str>,
}

/// The tasks of a walkthrough whose stage has these steps, or the mistake with its line.
fn parse(text: &str, steps: &[&'static str]) -> std::result::Result<Vec<Placed>, (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    let begin = lines.find(|(_, line)| *line == SECTION);
    let (begin, _) = begin.ok_or_else(|| (1, format!("expected a section \"{SECTION}\"")))?;
    let section: Vec<_> = lines
        .take_while(|(_, line)| !line.starts_with("## "))
        .collect();
    let mut of_steps = section.split(|(_, line)| line.starts_with("### "));
    let before = of_steps.next().unwrap_or_default();
    if let Some(item) = items(before).first() {
        return Err((item.line, "expected a step first, found an item".into()));
    }
    let headings = section
        .iter()
        .filter_map(|(at, line)| Some((*at, line.strip_prefix("### ")?)));
    let mut expected = steps.iter();
    let mut tasks: Vec<Placed> = Vec::new();
    for ((at, heading), lines) in headings.zip(of_steps) {
        let step = match expected.next() {
            Some(step) if *step == heading => step,
            Some(step) => return Err((at, format!("expected step {step}, found {heading}"))),
            None => return Err((at, format!("expected no other step, found {heading}"))),
        };
        let items = items(lines);
        if items.is_empty() {
            return Err((at, format!("expected a list for step {step}, found none")));
        }
        for (expected, item) in (1..).zip(items) {
            if item.number != expected {
                let found = item.number;
                return Err((
                    item.line,
                    format!("expected item {expected}, found {found}"),
                ));
            }
            let Some((name, words)) = task(&item) else {
                continue;
            };
            if let Some(other) = tasks.iter().find(|other| other.name == name) {
                let what = format!("{name} stands in line {} already", other.line);
                return Err((item.line, what));
            }
            tasks.push(Placed {
                step,
                name,
                words,
                line: item.line,
            });
        }
    }
    match expected.next() {
        Some(step) => Err((begin, format!("expected a heading ### {step}, found none"))),
        None => Ok(tasks),
    }
}

/// The items of all lists in these lines.
fn items<'a>(lines: &[(usize, &'a str)]) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    // Whether the line before belongs to the last item.
    let mut inside = false;
    for &(line, text) in lines {
        let numbered = text.split_once(". ").and_then(|(number, text)| {
            let number = number.parse().ok()?;
            Some((number, text))
        });
        if let Some((number, text)) = numbered {
            items.push(Item {
                line,
                number,
                text,
                rest: Vec::new(),
            });
            inside = true;
        } else if inside && text.starts_with(' ') {
            items
                .last_mut()
                .into_iter()
                .for_each(|item| item.rest.push(text));
        } else {
            inside = false;
        }
    }
    items
}

/// The name and the words of an item that is a task.
fn task(item: &Item<'_>) -> Option<(String, String)> {
    let (name, first) = item.text.strip_prefix('`')?.split_once("`:")?;
    let lines = std::iter::once(first).chain(item.rest.iter().copied());
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    Some((name.to_owned(), without_links(&words.join(" "))))
}

/// A text with `[words](place)` replaced by the words.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("](") {
        let link = before.rsplit_once('[').zip(behind.split_once(')'));
        let Some(((start, words), (_, end))) = link else {
            break;
        };
        plain += start;
        plain += words;
        rest = end;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# A page

1. `no-task`: before the section

## Build it in this order

Write the module first.

### one

Then `make x` logs a line.

1. `one-b`: Write [a struct](a.md) with
   its `lock`. Then
   - init it.
2. Run `make x`.

   3. `deeper`: no item
3. `one-a`: Use it.

### two

1. `two-a`: Call
not of the item

## Questions

1. `no-task`: behind the section
";

    fn mistake(page: &str) -> (usize, String) {
        parse(page, &["one", "two"]).unwrap_err()
    }

    #[test]
    fn tasks_stand_in_the_order_of_the_page() {
        let task = |step, name: &str, words: &str, line| Placed {
            step,
            name: name.to_owned(),
            words: words.to_owned(),
            line,
        };
        assert_eq!(
            parse(PAGE, &["one", "two"]),
            Ok(vec![
                task(
                    "one",
                    "one-b",
                    "Write a struct with its `lock`. Then - init it.",
                    13
                ),
                task("one", "one-a", "Use it.", 19),
                task("two", "two-a", "Call", 23),
            ])
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let changed = |from: &str, to: &str| mistake(&PAGE.replace(from, to));
        for (from, to, line, what) in [
            (
                "## Build",
                "## Make",
                1,
                "expected a section \"## Build it in this order\"",
            ),
            ("### one", "", 13, "expected a step first, found an item"),
            ("### one", "### eins", 9, "expected step one, found eins"),
            (
                "### two\n\n1.",
                "\n\n4.",
                5,
                "expected a heading ### two, found none",
            ),
            (
                "1. `two-a`",
                "`two-a`",
                21,
                "expected a list for step two, found none",
            ),
            ("\n2. Run", "\n3. Run", 16, "expected item 2, found 3"),
            ("`one-a`", "`one-b`", 19, "one-b stands in line 13 already"),
            (
                "## Questions",
                "### three",
                26,
                "expected no other step, found three",
            ),
        ] {
            assert_eq!(changed(from, to), (line, what.to_owned()), "{from}");
        }
    }
}
