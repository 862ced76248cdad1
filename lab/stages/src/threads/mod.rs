// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 1: the output and exit status of the program `threads` ([`checks`]), and its library, which
//! programs of `lab/threads` link: buffers ([`ends`]), runs over a buffer with a mistake
//! ([`faults`]), every interleaving ([`model`]).

mod checks;
mod ends;
mod faults;
mod model;
pub(crate) mod step;

use lab_agent::{Exit, Stream};
use lab_machine::PATIENCE;
use lab_scene::{Outcome, Program, Scene, fail};
use regex::Regex;

/// Run the program, and expect exit status 0 and one line: `headline`, then time and speed. `...`
/// in the headline is text that other clauses check; it may be anything.
fn expect_summary(scene: &mut Scene<'_>, arguments: &[&str], headline: &str) -> Outcome {
    let program = start(scene, arguments)?;
    expect_headline(scene, &program, headline)?;
    scene.expect_end(&program, Exit::Status(0)).map(drop)
}

/// Expect a line that is this headline, then time and speed; `...` is any text. For a submitted
/// program, any line with the same numbers and the buffer's name.
fn expect_headline(scene: &mut Scene<'_>, program: &Program, headline: &str) -> Outcome {
    if scene.others_programs() {
        return expect_any_summary(scene, program, headline);
    }
    let noted = format!("{headline}: (time and speed)");
    let headline = regex::escape(headline).replace(r"\.\.\.", ".*");
    let line = pattern(&format!(
        "^{headline}: [0-9]+[.][0-9]{{3}} s, [0-9]+ items/s$"
    ))?;
    scene.expect_line_matching(program, &line, &noted)
}

fn expect_any_summary(scene: &mut Scene<'_>, program: &Program, headline: &str) -> Outcome {
    let line = scene.wait_line(program, Stream::Stdout, PATIENCE)?;
    let line = String::from_utf8_lossy(&line.unwrap_or_default()).into_owned();
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).collect();
    let mut essential = headline.split(", ").filter_map(|part| match part {
        "..." => None,
        // The process's threads show how many there are.
        part if part.contains("producer") || part.contains("consumer") => None,
        part => part.split(' ').find(|word| {
            let is_number = word.parse::<u64>().is_ok();
            is_number || !part.contains(' ')
        }),
    });
    if essential.all(|word| words.contains(&word)) {
        return Ok(());
    }
    let name = &program.name;
    let wanted = format!("{name} prints one line with the values of \"{headline}\"");
    Err(fail(wanted, format!("\"{line}\"")))
}

fn pattern(text: &str) -> Outcome<Regex> {
    Regex::new(text).map_err(|error| lab_base::Error::Unexpected(error.to_string()).into())
}

fn start(scene: &mut Scene<'_>, arguments: &[&str]) -> Outcome<Program> {
    scene.start("threads", &[&["threads"], arguments].concat())
}
