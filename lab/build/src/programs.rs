// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the Rust programs that run in the guest. They are static, because the guest has no
//! libraries.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use lab_base::{
    Error, Result, catalogue,
    paths::{self, Paths},
};

use crate::cargo;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The directory of the programs below cargo's target directory.
pub const OUTPUT: &str = "x86_64-unknown-linux-gnu/guest";

/// Packages whose programs run in the guest: those of the lab, then those of the stages.
pub fn all() -> Vec<&'static str> {
    let of_lab = [AGENT, "lab-bench", "lab-threads"];
    of_lab.into_iter().chain(catalogue::packages()).collect()
}

/// Package and program of the agent, which runs in every guest.
pub const AGENT: &str = "lab-agent";

/// Programs of `lab/threads`. They link the library of part 1 and test behaviour that its program
/// does not show.
pub const DRIVERS: [&str; 2] = ["lab-threads", "lab-model"];

/// Built programs for the guest.
#[derive(Clone, Debug, Default)]
pub struct GuestPrograms {
    by_name: BTreeMap<String, PathBuf>,
}

impl GuestPrograms {
    /// The path of a program.
    ///
    /// # Errors
    /// [`Error::Missing`] if it has not been built.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        self.by_name.get(name).cloned().ok_or_else(|| missing(name))
    }

    /// Add programs, in place of those of the same name.
    pub fn extend(&mut self, more: GuestPrograms) {
        self.by_name.extend(more.by_name);
    }

    /// All of them by name, without those of the harness.
    pub fn of_students(&self) -> impl Iterator<Item = (&str, &Path)> {
        let all = self.by_name.iter();
        all.filter(|(name, _)| !name.starts_with("lab-"))
            .map(|(name, path)| (name.as_str(), path.as_path()))
    }
}

/// Build the programs of packages.
///
/// # Errors
/// [`Error::Compile`] with the compiler's output.
pub fn build(paths: &Paths, packages: &[&str]) -> Result<GuestPrograms> {
    let mut cargo = cargo::command(paths);
    for_guest(&mut cargo, packages);
    let by_name = cargo::build(cargo, "programs for the guest")?;
    if packages == all() {
        let table: toml::Table = by_name
            .iter()
            .map(|(name, path)| (name.clone(), path.display().to_string().into()))
            .collect();
        paths::write_if_changed(&record(paths), table.to_string().as_bytes(), 0o644)?;
    }
    Ok(GuestPrograms { by_name })
}

/// All programs, as the last complete [`build`] left them.
///
/// # Errors
/// [`Error::Missing`] if there has been no complete build yet.
pub fn built(paths: &Paths) -> Result<GuestPrograms> {
    let what = "one of the programs for the guest";
    let text = fs::read_to_string(record(paths)).map_err(|_| missing(what))?;
    let by_name: BTreeMap<String, PathBuf> = toml::from_str(&text).map_err(|_| missing(what))?;
    if let Some((name, _)) = by_name.iter().find(|(_, path)| !path.exists()) {
        return Err(missing(name));
    }
    Ok(GuestPrograms { by_name })
}

fn missing(name: &str) -> Error {
    Error::Missing {
        what: format!("{name} is not built"),
        mend: "make modules".into(),
    }
}

/// The file that lists the programs.
fn record(paths: &Paths) -> PathBuf {
    paths.build.join("programs.toml")
}

/// Build `threads` of part 1 for this host, optimised, and return its path.
///
/// # Errors
/// [`Error::Compile`] with the compiler's output.
pub fn threads(paths: &Paths) -> Result<PathBuf> {
    let mut cargo = cargo::command(paths);
    cargo.args([
        "--release",
        "--package",
        "part1-threads",
        "--bin",
        "threads",
    ]);
    let mut built = cargo::build(cargo, "part1-threads")?;
    built.remove("threads").ok_or_else(|| missing("threads"))
}

/// Make a `cargo build` build the programs of packages for the guest.
pub fn for_guest(cargo: &mut Command, packages: &[&str]) {
    cargo
        .args(["--profile", "guest", "--bins", "--target", TARGET])
        // Only for the target, so that build scripts and macros are not affected.
        .env(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "-C target-feature=+crt-static",
        );
    for package in packages {
        cargo.args(["--package", package]);
    }
}
