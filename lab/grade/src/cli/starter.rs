// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab starter`: the tree that students begin with.

use std::{
    fs,
    path::{Path, PathBuf, absolute},
    process::ExitCode,
};

use anyhow::{Context, bail};
use lab_base::paths::Paths;
use lab_course::starter::Starter;
use lab_stages::STAGES;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A directory that does not exist yet, or is empty, outside of this checkout.
    directory: PathBuf,
    /// Leave the stages before this one solved.
    #[arg(long, env = "UPTO", value_name = "STAGE")]
    upto: Option<String>,
    /// Let students see a solution with `make solution TASK=name`.
    #[arg(long, env = "SOLUTIONS", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_value = "no", default_missing_value = "yes")]
    solutions: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let checkout = Paths::find()?.checkout;
    let directory = &arguments.directory;
    let wish = arguments.upto.as_deref().filter(|name| !name.is_empty());
    let upto = wish.map_or(Ok(&STAGES[0]), lab_stages::stage_named)?;
    let inside = "expected a directory outside of this checkout";
    if resolved(directory)?.starts_with(&checkout) {
        bail!("{inside}, found {}", directory.display());
    }
    match fs::read_dir(directory).map(|mut entries| entries.next().is_some()) {
        Ok(true) => bail!(
            "expected an empty directory, or none, found {} with something in it",
            directory.display()
        ),
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{}", directory.display())),
    }
    let mut starter = Starter::of(&checkout, upto)?;
    if arguments.solutions {
        starter.hand_out_solutions()?;
    }
    starter.write(directory)?;
    println!(
        "{}: {} files, {} tasks",
        directory.display(),
        starter.files.len(),
        starter.cut.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// A path without links, of which the last part need not exist.
fn resolved(path: &Path) -> anyhow::Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let path = absolute(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        bail!("expected a directory, found {}", path.display());
    };
    let parent = parent
        .canonicalize()
        .with_context(|| format!("{}", parent.display()))?;
    Ok(parent.join(name))
}
