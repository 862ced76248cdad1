// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab completions`: what shells and man need to know about `lab/grade.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstream::println;
use anyhow::Context;
use clap_complete::Shell;

/// The script that people type, without its directory: shells look for a completion by this name.
const NAME: &str = "grade.sh";

/// Write the completions of bash, zsh and fish, and the man page, below the user's home.
pub(crate) fn run(grade: clap::Command) -> anyhow::Result<ExitCode> {
    let home = std::env::var_os("HOME").context("expected HOME in the environment, found none")?;
    for file in write(Path::new(&home), grade)? {
        println!("{}", file.display());
    }
    println!("zsh also needs this line in ~/.zshrc, before compinit:");
    println!("  fpath+=(~/.local/share/zsh/site-functions)");
    println!("Shells complete the targets of make by themselves. The manual: man grade.sh");
    Ok(ExitCode::SUCCESS)
}

/// Write the files and return their paths.
fn write(home: &Path, grade: clap::Command) -> anyhow::Result<Vec<PathBuf>> {
    let mut command = grade.name(NAME).bin_name(NAME).display_name(NAME);
    let mut written = Vec::new();
    for (shell, place) in [
        (
            Shell::Bash,
            ".local/share/bash-completion/completions/grade.sh",
        ),
        (Shell::Zsh, ".local/share/zsh/site-functions/_grade.sh"),
        (Shell::Fish, ".config/fish/completions/grade.sh.fish"),
    ] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, NAME, &mut text);
        written.push(put(home, place, &text)?);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    written.push(put(home, ".local/share/man/man1/grade.sh.1", &page)?);
    Ok(written)
}

fn put(home: &Path, place: &str, text: &[u8]) -> anyhow::Result<PathBuf> {
    let file = home.join(place);
    let what = || format!("writing {}", file.display());
    let directory = file.parent().unwrap_or(home);
    fs::create_dir_all(directory).with_context(what)?;
    fs::write(&file, text).with_context(what)?;
    Ok(file)
}
