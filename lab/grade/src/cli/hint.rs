// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab hint`: the next hint for a check.

use std::{fs, process::ExitCode};

use anstream::println;
use anyhow::{Context, bail};
use lab_base::paths::{self, Paths};
use lab_cli::bold;
use lab_grade::rubric::Rubric;

/// Print the next hint for the check with this id; after the last one, all of them again. How far
/// somebody has come is kept in this checkout's `build/`.
pub(crate) fn run(id: &str) -> anyhow::Result<ExitCode> {
    let rubric = Rubric::builtin()?;
    let Some(check) = rubric.checks().find(|check| check.id == id) else {
        let alike: Vec<&str> = rubric
            .checks()
            .map(|check| check.id.as_str())
            .filter(|known| !id.is_empty() && known.contains(id))
            .collect();
        match alike.len() {
            0 => bail!("expected the id of a check, such as message-slot/W5-intact, found {id:?}"),
            _ => bail!(
                "expected the id of a check, found {id:?}; there are {}",
                alike.join(", ")
            ),
        }
    };
    let file = Paths::find()?
        .build
        .join("hints")
        .join(id.replace('/', "-"));
    let shown: usize = fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default();
    let levels = check.hints.len();
    println!("{}", bold(format!("{id}: {}", check.scenario.title)));
    if shown >= levels {
        for (level, hint) in (1..).zip(&check.hints) {
            println!("{level}. {hint}");
        }
        println!("There are no more hints.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} of {levels}: {}", shown + 1, check.hints[shown]);
    paths::write_if_changed(&file, (shown + 1).to_string().as_bytes(), 0o644)
        .context("remembering which hint was shown")?;
    Ok(ExitCode::SUCCESS)
}
