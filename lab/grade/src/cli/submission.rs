// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening the submission that is to be graded, or saying why it is not: a zero must never mean that
//! the lab did not understand.

use std::path::Path;

use lab_base::catalogue::{MESSAGE_SLOT, ROWS, StageRow};
use lab_grade::{
    intake::{self, Submission, Undecided},
    mapping::{self, Mapping},
    submitted,
};

/// Why nothing is graded: a sentence, and lines below it.
pub(crate) struct NotGraded {
    pub(crate) why: String,
    pub(crate) details: Vec<String>,
}

/// Open a submission, with what was said about its parts, and with these stages of it; without any,
/// those of which it has something.
///
/// # Errors
/// It cannot be read, it is the export of a class, nothing in it can be graded, or parts of it cannot
/// be told apart.
pub(crate) fn open(
    path: &Path,
    map: &[String],
    stages: &[String],
) -> Result<(Submission, Vec<&'static str>), NotGraded> {
    let without_details = |why| NotGraded {
        why,
        details: Vec::new(),
    };
    let mapping = Mapping::from_arguments(map).map_err(without_details)?;
    let mut submission = intake::open_mapped(path, mapping).map_err(|error| NotGraded {
        why: error.to_string(),
        details: error.details,
    })?;
    let is_wanted = |row: &&StageRow| stages.iter().any(|stage| stage == row.name);
    let wanted: Vec<_> = ROWS.iter().filter(is_wanted).map(|row| row.name).collect();
    let stages = match stages {
        [] => submitted::stages(&submission),
        _ => wanted,
    };
    let is_graded = |name: &str| {
        stages.is_empty()
            || ROWS
                .iter()
                .any(|row| row_has(row, name) && stages.contains(&row.name))
    };
    let undecided: Vec<_> = submission
        .undecided
        .iter()
        .filter(|part| is_graded(part.name))
        .collect();
    let name = &submission.name;
    if !undecided.is_empty() {
        return Err(NotGraded {
            why: format!("{name}: several files may be the same part, so nothing is graded"),
            details: how_to_tell(path, &undecided),
        });
    }
    if stages.is_empty() {
        let mut details = submission.remarks.clone();
        details.extend(submission.left_out.clone());
        return Err(NotGraded {
            why: format!("{name}: nothing in it can be graded"),
            details,
        });
    }
    if !submission.unread.is_empty() {
        let has = |part: &&&str| {
            submission.modules.contains_key(**part) || submission.programs.contains_key(**part)
        };
        let rows = ROWS.iter().filter(|row| stages.contains(&row.name));
        let parts = rows.flat_map(|row| row.modules.iter().chain(row.programs));
        let missing: Vec<_> = parts.filter(|part| !has(part)).copied().collect();
        if !missing.is_empty() {
            return Err(NotGraded {
                why: format!(
                    "{name}: {} cannot be read, and {} was not found elsewhere; nothing is graded",
                    submission.unread.join(", "),
                    missing.join(", ")
                ),
                details: submission.remarks,
            });
        }
    }
    let hint = hint(&submission, &stages);
    submission.remarks.extend(hint);
    Ok((submission, stages))
}

/// Files that are named in one sentence.
const NAMED_MAX: usize = 3;

/// How to say which file is a part that was not found, if there are files that may be it. Other
/// stages have parts that can be handed in one by one.
fn hint(submission: &Submission, stages: &[&str]) -> Option<String> {
    let row = MESSAGE_SLOT;
    let has = |part: &&&str| {
        submission.modules.contains_key(**part) || submission.programs.contains_key(**part)
    };
    let part = row
        .modules
        .iter()
        .chain(row.programs)
        .find(|part| !has(part))?;
    let first = submission
        .unknown
        .first()
        .filter(|_| stages.contains(&row.name))?;
    let mut files: Vec<_> = submission
        .unknown
        .iter()
        .take(NAMED_MAX)
        .map(String::as_str)
        .collect();
    if submission.unknown.len() > NAMED_MAX {
        files.push("...");
    }
    Some(format!(
        "{part} was not found; if it is one of {}, say so: --map {part}={first}",
        files.join(", ")
    ))
}

fn row_has(row: &StageRow, part: &str) -> bool {
    row.modules.contains(&part) || row.programs.contains(&part)
}

/// What was found, and how to say which of it is meant.
fn how_to_tell(path: &Path, undecided: &[&Undecided]) -> Vec<String> {
    let mut lines = Vec::new();
    for part in undecided {
        lines.push(format!("{} may be {}", part.name, part.found.join(" or ")));
    }
    let first = |part: &Undecided| part.found.first().cloned().unwrap_or_default();
    let maps: Vec<_> = undecided
        .iter()
        .map(|part| format!(" --map '{}={}'", part.name, first(part)))
        .collect();
    lines.push("Say which one is meant:".into());
    lines.push(format!(
        "  lab/grade.sh '{}'{}",
        path.display(),
        maps.concat()
    ));
    lines.push(format!("or in a file {} in the submission:", mapping::FILE));
    lines.push("  [parts]".into());
    for part in undecided {
        lines.push(format!("  {} = \"{}\"", part.name, first(part)));
    }
    lines
}
