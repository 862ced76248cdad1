// SPDX-License-Identifier: MIT OR Apache-2.0
//! Executes the blocks of `lab/walkthrough/*.md` and compares their output.
//!
//! Two kinds of fenced blocks are checked; all others are for people only.
//!
//! - ```` ```guest ````: lines that begin with `# ` are typed into a root shell of the machine that
//!   `make shell` opens. All blocks of a file use one shell. The lines below a command are its
//!   output. In ```` ```guest eventually ```` the last command is repeated until it prints them, because
//!   another process must act first. The kernel may log lines of its own at any moment, so `dmesg`
//!   must be followed by `| grep MODULE:`.
//! - ```` ```transcript ID ````: lines of the record of this scenario, as in its snapshot.
//!
//! Numbers after `portid` and `pid`, and the time stamps of the kernel's log, differ in each run
//! and are not compared.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use lab_agent::{Stdin, Stream};
use lab_machine::PATIENCE;
use lab_scene::{Outcome, Program, Scene, fail, readable, transcript::LineKind};
use regex::Regex;

/// A block that is executed or compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Commands for the machine's shell and their output.
    Guest {
        /// Each command with the lines of its output.
        commands: Vec<(String, Vec<String>)>,
        /// Whether the last command is repeated.
        eventually: bool,
    },
    /// Lines of a scenario's record.
    Transcript {
        /// The id of the scenario.
        id: String,
        /// Consecutive lines of its record.
        lines: Vec<String>,
    },
}

/// The blocks of a walkthrough, each with the number of its first line.
///
/// # Errors
/// The mistake, with its line.
pub fn parse(text: &str) -> Result<Vec<(usize, Block)>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let body: Vec<String> = lines
            .by_ref()
            .map(|(_, line)| line.to_owned())
            .take_while(|line| line != "```")
            .collect();
        let words: Vec<&str> = info.split_whitespace().collect();
        let block = match words[..] {
            ["guest"] => guest(body, false),
            ["guest", "eventually"] => guest(body, true),
            ["transcript", id] => Ok(Block::Transcript {
                id: id.to_owned(),
                lines: body,
            }),
            ["guest" | "transcript", ..] => Err(format!("unknown kind of block: {info}")),
            _ => continue,
        };
        blocks.push((
            at + 1,
            block.map_err(|error| format!("line {}: {error}", at + 1))?,
        ));
    }
    Ok(blocks)
}

fn guest(body: Vec<String>, eventually: bool) -> Result<Block, String> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in body {
        match (line.strip_prefix("# "), commands.last_mut()) {
            (Some(command), _) if command.contains("dmesg") && !OF_MODULE.is_match(command) => {
                return Err(format!(
                    "expected \"dmesg | grep MODULE:\", found \"{command}\""
                ));
            }
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, output))) => output.push(line),
            (None, None) => return Err("expected a command behind \"# \", found output".into()),
        }
    }
    if commands.is_empty() {
        return Err("expected a command behind \"# \", found nothing".into());
    }
    Ok(Block::Guest {
        commands,
        eventually,
    })
}

/// A command that reads the log lines of one module only.
static OF_MODULE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(r#"^dmesg \| grep (-c )?['"]?(nl|message)_[a-z]+:"#).expect("a valid pattern")
});

/// Text that differs in each run.
static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(r"(?m)^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? |\b((?:portid|pid) )[1-9]\d*\b")
        .expect("a valid pattern")
});

fn comparable(line: &str) -> String {
    VARYING.replace_all(line, "$1").trim_end().to_owned()
}

/// A prompt that no program prints.
const END: &str = "-- end of output --";

/// The path of a walkthrough, by the name of its stage, relative to the checkout.
pub fn path_of(name: &str) -> PathBuf {
    Path::new("lab/walkthrough").join(format!("{name}.md"))
}

/// The text of `lab/walkthrough/NAME.md`.
///
/// # Errors
/// [`lab_base::Error::Io`].
pub fn read(checkout: &Path, name: &str) -> lab_base::Result<String> {
    let file = checkout.join(path_of(name));
    let what = format!("reading {}", file.display());
    std::fs::read_to_string(file).map_err(lab_base::Error::io(what))
}

/// Execute the guest blocks of `lab/walkthrough/NAME.md` and compare the others with the snapshots.
///
/// # Errors
/// [`lab_scene::Halt::Fail`] at the first line that differs.
pub fn walk(scene: &mut Scene<'_>, name: &str) -> Outcome {
    let checkout = scene.workshop().paths.checkout.clone();
    let text = read(&checkout, name)?;
    let blocks = parse(&text).map_err(|error| fail(format!("{name}.md can be read"), error))?;
    scene.put_all()?;
    let shell = scene.spawn("shell", "/bin/sh", &[], 0, Stdin::Pipe)?;
    for (line, block) in blocks {
        match block {
            Block::Guest {
                commands,
                eventually,
            } => {
                let last = commands.len() - 1;
                for (at, (command, expected)) in commands.iter().enumerate() {
                    let repeat = eventually && at == last;
                    type_command(scene, &shell, command, expected, line, repeat)?;
                }
            }
            Block::Transcript { id, lines } => {
                let snapshot = checkout
                    .join("lab/tests/snapshots")
                    .join(format!("{}.snap", id.replace('/', "-")));
                compare_with(&snapshot, &lines, line)?;
            }
        }
    }
    Ok(())
}

fn type_command(
    scene: &mut Scene<'_>,
    shell: &Program,
    command: &str,
    expected: &[String],
    line: usize,
    repeat: bool,
) -> Outcome {
    let expected: Vec<String> = expected.iter().map(|line| comparable(line)).collect();
    let mut got = Vec::new();
    let mut once = |scene: &mut Scene<'_>| {
        got = run(scene, shell, command)?;
        Ok(got == expected)
    };
    let same = if repeat {
        // The last output is shown below; the timeout itself says less.
        match scene.expect_soon("the last output", &mut once) {
            Ok(()) => true,
            Err(lab_scene::Halt::Fail { .. }) => false,
            Err(halt) => return Err(halt),
        }
    } else {
        once(scene)?
    };
    scene.note("shell", LineKind::Types, command);
    if same {
        return Ok(());
    }
    Err(fail(
        format!(
            "in the block of line {line}, `{command}` prints\n{}",
            expected.join("\n")
        ),
        got.join("\n"),
    ))
}

/// Type a command into the shell and collect its output, from stdout and stderr.
fn run(scene: &mut Scene<'_>, shell: &Program, command: &str) -> Outcome<Vec<String>> {
    // Jobs in the background must not keep the shell's own input.
    scene.write(
        shell,
        format!("{{ {command}\n}} 2>&1 </dev/null\necho '{END}'\n").as_bytes(),
    )?;
    let mut output = Vec::new();
    loop {
        let line = scene.wait_line(shell, Stream::Stdout, PATIENCE)?;
        let line = line.ok_or_else(|| fail(format!("`{command}` ends"), "it does not in time"))?;
        let line = readable(&line);
        let Some(rest) = line.strip_suffix(END) else {
            output.push(comparable(&line));
            continue;
        };
        if !rest.is_empty() {
            output.push(format!("{rest} (without a newline)"));
        }
        return Ok(output);
    }
}

fn compare_with(snapshot: &PathBuf, lines: &[String], line: usize) -> Outcome {
    let text = std::fs::read_to_string(snapshot).map_err(lab_base::Error::io(format!(
        "reading {}",
        snapshot.display()
    )))?;
    let found: Vec<&str> = text.lines().collect();
    if found.windows(lines.len()).any(|window| window == lines) {
        return Ok(());
    }
    Err(fail(
        format!("the block of line {line} stands in {}", snapshot.display()),
        lines.join("\n"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_their_output_are_told_apart() {
        let text = "words\n```guest eventually\n# true\n# cat a\n1\n\n2\n```\n```c\n# no\n```\n";
        let commands = vec![
            ("true".to_owned(), vec![]),
            (
                "cat a".to_owned(),
                vec!["1".to_owned(), String::new(), "2".to_owned()],
            ),
        ];
        assert_eq!(
            parse(text),
            Ok(vec![(
                2,
                Block::Guest {
                    commands,
                    eventually: true
                }
            )])
        );
    }

    #[test]
    fn a_block_that_nobody_would_execute_is_an_error() {
        assert_eq!(
            parse("\n```guest later\n# true\n```\n"),
            Err("line 2: unknown kind of block: guest later".to_owned())
        );
        assert!(parse("```guest\noutput\n```\n").is_err());
        assert!(parse("```guest\n```\n").is_err());
    }

    #[test]
    fn of_the_log_only_a_modules_lines_may_be_asked_for() {
        let block = |command: &str| parse(&format!("```guest\n# {command}\n```\n"));
        for command in [
            "dmesg | grep nl_pubsub: | tail -n 1",
            "dmesg | grep -c 'nl_routes: portid .* watches'",
        ] {
            assert!(block(command).is_ok(), "{command}");
        }
        for command in [
            "dmesg | tail -n 1",
            "dmesg | grep -c 'portid .* watches'",
            "dmesg | tail -n 1 | grep nl_pubsub:",
            "dmesg | grep clocksource:",
            "rmmod nl_hello; dmesg",
        ] {
            let error = block(command).unwrap_err();
            assert!(
                error.starts_with("line 1: expected \"dmesg | grep"),
                "{error}"
            );
        }
    }

    #[test]
    fn only_what_varies_is_left_out_of_the_comparison() {
        assert_eq!(
            comparable("[   12.345678] portid 88 subscribes "),
            "portid  subscribes"
        );
        assert_eq!(
            comparable("message 88, from portid 0"),
            "message 88, from portid 0"
        );
    }
}
