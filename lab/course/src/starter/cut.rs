// SPDX-License-Identifier: MIT OR Apache-2.0
//! Regions of solutions: the text that is cut out, and the text that stays in its place. Pure.
//!
//! In the solutions a region is marked by two comments, each on a line of its own:
//!
//! ```c
//!     /* lab:begin mslot-read: return the whole message; it stays in the channel (R1-R6) */
//!     ...
//!     /* lab:end stub: return -EOPNOTSUPP; */
//! ```
//!
//! A starter has `TODO mslot-read: return ...` in its place, followed by the stub, if there is
//! one. The name is unique. The task ends with its clauses. Works for every kind of comment that
//! begins at the start of a line.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use lab_base::{Error, Result};

const BEGIN: &str = "lab:begin ";
const END: &str = "lab:end";
const STUB: &str = " stub: ";

/// A marked part of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its unique name.
    pub name: String,
    /// The task, with its clauses.
    pub task: String,
    /// Its path, relative to the checkout.
    pub file: PathBuf,
    /// Its lines, without the markers.
    pub lines: Vec<String>,
    /// The stub; may be empty.
    pub stub: String,
}

/// A text without markers, and its regions. The regions are unchanged if it stays `solved`;
/// otherwise each is a TODO.
///
/// # Errors
/// [`Error::Unexpected`] with file and line.
pub fn cut(file: &Path, text: &str, solved: bool) -> Result<(String, Vec<Region>)> {
    let mut out = String::new();
    let mut regions = Vec::new();
    // The open region, and the line in which it begins.
    let mut open: Option<(Region, usize)> = None;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let wrong =
            |what: String| Error::Unexpected(format!("{}:{number}: {what}", file.display()));
        if let Some((head, words, tail)) = marker(line, BEGIN) {
            if let Some((region, began)) = &open {
                let name = &region.name;
                return Err(wrong(format!(
                    "expected the end of {name}, which begins in line {began}, found another begin"
                )));
            }
            let (name, task) = words.split_once(": ").ok_or_else(|| {
                wrong(format!("expected {BEGIN}NAME: TASK, found {}", line.trim()))
            })?;
            if !solved {
                out += &format!("{head}TODO {name}: {task}{tail}\n");
            }
            let region = Region {
                name: name.to_owned(),
                task: task.to_owned(),
                file: file.to_owned(),
                lines: Vec::new(),
                stub: String::new(),
            };
            open = Some((region, number));
        } else if let Some((head, words, _)) = marker(line, END) {
            let (mut region, _) = open
                .take()
                .ok_or_else(|| wrong("an end without a begin".into()))?;
            match words.strip_prefix(STUB) {
                Some(stub) => stub.clone_into(&mut region.stub),
                None if words.is_empty() => {}
                None => return Err(wrong(format!("expected{STUB}CODE, found{words}"))),
            }
            if !solved && !region.stub.is_empty() {
                out += &format!("{}{}\n", indent(head), region.stub);
            }
            regions.push(region);
        } else {
            if solved || open.is_none() {
                out += line;
            }
            if let Some((region, _)) = &mut open {
                region.lines.push(line.trim_end_matches('\n').to_owned());
            }
        }
    }
    match open {
        Some((region, began)) => Err(Error::Unexpected(format!(
            "{}:{began}: {} has no end",
            file.display(),
            region.name
        ))),
        None => Ok((out, regions)),
    }
}

/// A line that is only a comment beginning with `word`: the text before it, the text after it, and
/// the end of the comment.
fn marker<'a>(line: &'a str, word: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let at = line.find(word)?;
    let (head, rest) = (&line[..at], line[at + word.len()..].trim_end());
    if !head.chars().all(|c| c.is_whitespace() || "/*#".contains(c)) || head.trim().is_empty() {
        return None;
    }
    match rest.strip_suffix(" */") {
        Some(words) => Some((head, words, " */")),
        None => Some((head, rest, "")),
    }
}

fn indent(head: &str) -> &str {
    &head[..head.len() - head.trim_start().len()]
}

pub(super) fn all_differ(regions: &[Region]) -> Result<()> {
    let mut known = HashMap::new();
    for region in regions {
        if let Some(other) = known.insert(&region.name, &region.file) {
            return Err(Error::Unexpected(format!(
                "{}: there is a region {} in {} already",
                region.file.display(),
                region.name,
                other.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "\
int f(void)
{
	/* lab:begin f-two: the answer (A1) */
	return 2;
	/* lab:end stub: return -1; */
}
/* lab:begin g: all of g (A2) */
void g(void) {}
/* lab:end */
/*
 * lab:begin design: say why
 * Because.
 * lab:end
 */
";

    fn error(text: &str) -> String {
        cut(Path::new("a/b.c"), text, false)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_region_becomes_its_task_and_its_stub() {
        let (text, regions) = cut(Path::new("f.c"), SOLUTION, false).unwrap();
        let expected = "\
int f(void)
{
	/* TODO f-two: the answer (A1) */
	return -1;
}
/* TODO g: all of g (A2) */
/*
 * TODO design: say why
 */
";
        assert_eq!(text, expected);
        let names: Vec<_> = regions.iter().map(|region| region.name.as_str()).collect();
        assert_eq!(names, ["f-two", "g", "design"]);
        assert_eq!(regions[0].lines, ["\treturn 2;"]);
    }

    #[test]
    fn a_solved_text_loses_its_markers_only() {
        let (text, regions) = cut(Path::new("f.c"), SOLUTION, true).unwrap();
        assert_eq!(regions.len(), 3);
        let expected: String = SOLUTION
            .split_inclusive('\n')
            .filter(|line| !line.contains("lab:"))
            .collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_not_a_comment_of_its_own_is_no_marker() {
        for text in [
            "let x = 1; // lab:begin a: b\n",
            "//! - `lab:end` ends it\n",
            "lab:end\n",
        ] {
            let (out, regions) = cut(Path::new("f.rs"), text, false).unwrap();
            assert_eq!((out.as_str(), regions.len()), (text, 0));
        }
    }

    #[test]
    fn a_marker_that_is_alone_is_named_with_its_line() {
        assert_eq!(error("x\n// lab:begin a: b\ny\n"), "a/b.c:2: a has no end");
        assert_eq!(error("x\n// lab:end\n"), "a/b.c:2: an end without a begin");
        assert_eq!(
            error("// lab:begin a: b\n// lab:begin c: d\n// lab:end\n"),
            "a/b.c:2: expected the end of a, which begins in line 1, found another begin"
        );
        assert_eq!(
            error("/* lab:begin a */\n"),
            "a/b.c:1: expected lab:begin NAME: TASK, found /* lab:begin a */"
        );
        assert_eq!(
            error("# lab:begin a: b\n# lab:end now\n"),
            "a/b.c:2: expected stub: CODE, found now"
        );
    }

    #[test]
    fn two_regions_of_one_name_are_refused() {
        let text = "# lab:begin a: b\n# lab:end\n";
        let (_, mut regions) = cut(Path::new("x"), text, false).unwrap();
        assert!(all_differ(&regions).is_ok());
        regions.extend(cut(Path::new("y"), text, false).unwrap().1);
        let error = all_differ(&regions).unwrap_err().to_string();
        assert_eq!(error, "y: there is a region a in x already");
    }
}
