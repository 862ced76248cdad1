// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a solution does not need, and what code needs to deceive a grader: kernel functions that a
//! module calls, and parts of Rust in the library of part 1. A remark asks people to read the code;
//! it costs no points. Pure.

use std::collections::BTreeSet;

use object::{Object, ObjectSymbol};

use crate::{code::code_with_literals, unpack::SubmittedFile};

/// Beginnings of symbols, and what they are for.
const SYMBOLS: [(&str, &str); 21] = [
    ("call_usermodehelper", "starts programs"),
    ("filp_open", "opens files"),
    ("file_open_root", "opens files"),
    ("kernel_write", "writes to files"),
    ("kernel_read", "reads files"),
    ("kern_path", "looks up files"),
    ("kallsyms_", "finds symbols that are not exported"),
    ("register_kprobe", "puts code into other functions"),
    ("register_kretprobe", "puts code into other functions"),
    ("register_ftrace_function", "puts code into other functions"),
    ("add_taint", "changes or reads the taint mask"),
    ("test_taint", "changes or reads the taint mask"),
    ("get_taint", "changes or reads the taint mask"),
    ("console_", "changes consoles"),
    ("unregister_console", "changes consoles"),
    ("oops_in_progress", "changes how faults are shown"),
    ("panic_", "changes what happens at a panic"),
    ("set_memory_rw", "makes code writable"),
    ("emergency_restart", "restarts the machine"),
    ("kernel_power_off", "ends the machine"),
    ("orderly_", "ends the machine"),
];

/// Words of Rust, and what they are for.
const WORDS: [(&str, &str); 13] = [
    ("unsafe", "works around the checks of the compiler"),
    ("exit(", "ends the process"),
    ("abort(", "ends the process"),
    ("process::Command", "starts programs"),
    ("env::", "reads arguments or variables"),
    ("stdin(", "reads input"),
    ("stdout(", "prints"),
    ("fs::", "reads or writes files"),
    ("print!", "prints"),
    ("println!", "prints"),
    ("include_str!", "includes a file"),
    ("include_bytes!", "includes a file"),
    ("asm!", "contains machine code"),
];

/// A sentence on the symbols that a module needs and a solution does not.
pub(crate) fn of_module(name: &str, object: &[u8]) -> Option<String> {
    let object = object::File::parse(object).ok()?;
    let needed = object.symbols().filter(|symbol| symbol.is_undefined());
    let found: BTreeSet<String> = needed
        .filter_map(|symbol| {
            let symbol = symbol.name().ok()?;
            let is_it = |(start, _): &&(&str, &str)| symbol.starts_with(start);
            let (_, what) = SYMBOLS.iter().find(is_it)?;
            Some(format!("{symbol} ({what})"))
        })
        .collect();
    sentence(&format!("{name} uses"), found)
}

/// A sentence on what the sources of part 1's library contain and a solution does not. `directory` is
/// the crate's, empty or with `/` at its end.
pub(crate) fn of_library(directory: &str, files: &[SubmittedFile]) -> Option<String> {
    let library = format!("{directory}src/");
    let mut found = BTreeSet::new();
    for file in files {
        let Some(below) = file.path.strip_prefix(&library) else {
            continue;
        };
        // The program of part 1 prints.
        if !below.ends_with(".rs") || below == "main.rs" || below.starts_with("bin/") {
            continue;
        }
        let code = code_with_literals(&file.contents);
        for (word, what) in WORDS {
            let is_word = |at: usize| {
                let joins = |c: char| c.is_alphanumeric() || c == '_';
                let goes_on = word.ends_with(joins) && code[at + word.len()..].starts_with(joins);
                !goes_on && !code[..at].ends_with(joins)
            };
            if code.match_indices(word).any(|(at, _)| is_word(at)) {
                found.insert(format!("{word} in {} ({what})", file.shown));
            }
        }
    }
    sentence("the library of part 1 has", found)
}

fn sentence(begin: &str, found: BTreeSet<String>) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    let found = found.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!(
        "{begin} {found}. A solution needs none of it; please read the code"
    ))
}

#[cfg(test)]
mod tests {
    use super::of_library;
    use crate::unpack::SubmittedFile;

    fn file(path: &str, text: &str) -> SubmittedFile {
        SubmittedFile {
            shown: path.into(),
            path: path.into(),
            contents: text.into(),
        }
    }

    #[test]
    fn only_the_code_of_the_library_counts() {
        let clean = "// unsafe\nfn a() { on_exit(); let unsafety = 1; }";
        let files = [
            file("p/src/lib.rs", clean),
            file("p/src/main.rs", "fn main() { println!(\"x\") }"),
            file("p/tests/a.rs", "unsafe {}"),
        ];
        assert_eq!(of_library("p/", &files), None);
        let files = [file("p/src/buffer.rs", "fn f() { std::process::exit(0) }")];
        let said = of_library("p/", &files).unwrap();
        assert!(
            said.contains("exit( in p/src/buffer.rs (ends the process)"),
            "{said}"
        );
    }

    #[test]
    fn this_library_gets_no_remark() {
        let files = [
            file(
                "src/lib.rs",
                include_str!("../../../part1-threads/src/lib.rs"),
            ),
            file(
                "src/report.rs",
                include_str!("../../../part1-threads/src/report.rs"),
            ),
            file(
                "src/buffer/mutex.rs",
                include_str!("../../../part1-threads/src/buffer/mutex.rs"),
            ),
        ];
        assert_eq!(of_library("", &files), None);
    }
}
