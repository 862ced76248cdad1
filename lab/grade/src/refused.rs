// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words of a compiler that refuses a part, for the report.

use super::{
    sandbox::{HEADERS, INSIDE, MODULE_SOURCES, PROGRAM_SOURCES, SandboxOutput},
    unpack::SubmittedFile,
};

/// Lines of a compiler that are shown.
const LINES_MAX: usize = 20;
/// Length of each, in characters.
const LINE_MAX: usize = 400;

/// A part that does not build. It loses its own checks and no others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The words of a compiler, with the names of files as people know them.
pub(super) fn refused(ended: &SandboxOutput, files: &[SubmittedFile]) -> Refused {
    if ended.late {
        return Refused("compiling it took longer than anything should".into());
    }
    if ended.large {
        return Refused("what came of compiling it was larger than anything should be".into());
    }
    let mut said = ended.said.clone();
    for (inside, name) in [
        (&format!("{MODULE_SOURCES}/")[..], ""),
        (&format!("{PROGRAM_SOURCES}/"), ""),
        (&format!("{HEADERS}/"), "kernel/include/"),
        (&format!("{INSIDE}/module/"), ""),
        (&format!("{INSIDE}/"), ""),
    ] {
        said = said.replace(inside, name);
    }
    for file in files.iter().filter(|file| file.shown != file.path) {
        said = said.replace(&file.path, &file.shown);
    }
    let of_tool = |line: &&str| {
        let quiet = line.starts_with("  ") && line.contains("  [M]  ");
        let steps = ["  CC ", "  LD ", "  MODPOST ", "  BTF ", "make: ", "make["];
        let notes = ["warning: the compiler differs", "Skipping BTF"];
        quiet
            || steps.iter().any(|step| line.starts_with(step))
            || notes.iter().any(|note| line.contains(note))
    };
    let lines: Vec<String> = said
        .lines()
        .filter(|line| !line.trim().is_empty() && !of_tool(line))
        .map(|line| {
            // The compiler repeats their lines as they are.
            let safe = |c: char| if c.is_control() && c != '\t' { '?' } else { c };
            line.chars().map(safe).take(LINE_MAX).collect()
        })
        .collect();
    // Where there is no room for all, warnings that come before the first error go.
    let is_error =
        |line: &String| line.starts_with("error[E") || line.to_lowercase().contains("error:");
    let first = match lines.iter().position(is_error) {
        Some(at) if lines.len() > LINES_MAX => at,
        _ => 0,
    };
    let end = lines.len().min(first + LINES_MAX);
    let mut text = lines[first..end].join("\n");
    if lines.is_empty() {
        text = "the compiler failed without a word".to_owned();
    } else if end < lines.len() {
        text += &format!("\n({} more lines)", lines.len() - end);
    }
    Refused(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_words_those_from_the_first_error_on_are_kept() {
        let details = "  |\n".repeat(LINES_MAX);
        let said = format!(
            "warning: unused\nerror[E0432]: unresolved import\n{details}error: could not compile\n"
        );
        let ended = SandboxOutput {
            success: false,
            late: false,
            large: false,
            said,
        };
        let Refused(words) = refused(&ended, &[]);
        assert!(
            words.starts_with("error[E0432]: unresolved import\n"),
            "{words}"
        );
        assert!(words.ends_with("\n(2 more lines)"), "{words}");
    }
}
