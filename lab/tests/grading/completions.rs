// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shell completions and the man page of `lab/grade.sh`.

use std::{fs, path::Path, process::Output};

use lab_base::environment::command;

use crate::program::program;

fn write_to(home: &Path) -> Output {
    let mut completions = command(program());
    completions.arg("completions").env("HOME", home);
    completions.output().unwrap()
}

/// What bash offers for the last of these words.
fn offered(file: &Path, words: &str) -> Vec<String> {
    let script = format!(
        "source '{}'\nCOMP_WORDS=({words})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
         function=$(complete -p grade.sh | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         \"$function\" \"${{COMP_WORDS[0]}}\" \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    let output = command("bash").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_shell_and_man_get_a_file_below_home() {
    let home = tempfile::tempdir().unwrap();
    let output = write_to(home.path());
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let files: Vec<_> = said.lines().take(4).map(Path::new).collect();
    assert!(files.iter().all(|file| file.starts_with(home.path())));
    assert_eq!(offered(files[0], "lab/grade.sh --sta"), ["--stage"]);
    assert_eq!(
        offered(files[0], "lab/grade.sh --stage mess"),
        ["message-slot"]
    );
    for (file, word) in files
        .iter()
        .zip(["--stage", "--stage", "-l stage", "\\-\\-stage"])
    {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(word), "{}", file.display());
    }
}

#[test]
fn a_home_that_cannot_be_written_is_an_error() {
    let home = tempfile::NamedTempFile::new().unwrap();
    let output = write_to(home.path());
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("writing "), "{said}");
}
