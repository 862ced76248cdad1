// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the Rust programs that run in the guest: static, so that they need nothing there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, Result, paths::Paths, progress};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Where cargo puts them, below its target directory.
pub(crate) const OUTPUT: &str = "x86_64-unknown-linux-gnu/guest";

/// Packages whose programs run in the guest.
const PACKAGES: [&str; 7] = [
    "lab-agent",
    "lab-bench",
    "lab-threads",
    "part2-netlink",
    "message-slot",
    "part3-lists",
    "part1-threads",
];

/// Programs of `lab/threads`: they link the library of part 1, to see what its own program does not
/// show.
pub(crate) const DRIVERS: [&str; 2] = ["lab-threads", "lab-model"];

/// Build all of them and return the directory that they are in.
///
/// # Errors
/// [`Error::Compile`] with the compiler's words.
pub fn build(paths: &Paths) -> Result<PathBuf> {
    let program = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut cargo = cargo(program.as_ref(), &PACKAGES);
    cargo.current_dir(&paths.checkout).arg("--locked");
    run(cargo, "a program for the guest")?;
    Ok(paths.build.join("target").join(OUTPUT))
}

/// Build `threads` of part 1 for this host, as fast as it gets, and return its path.
///
/// # Errors
/// [`Error::Compile`] with the compiler's words.
pub fn threads(paths: &Paths) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(&paths.checkout)
        .args(["build", "--quiet", "--locked"])
        .args(["--release", "--package", "part1-threads"]);
    run(cargo, "part1-threads")?;
    Ok(paths.build.join("target/release/threads"))
}

fn run(mut cargo: Command, what: &str) -> Result<()> {
    cargo.env_remove("RUSTFLAGS");
    let output = progress::while_busy(&format!("building {what}"), || cargo.output())
        .map_err(Error::io("starting cargo"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(Error::Compile {
            what: what.into(),
            output: said.into_owned(),
        });
    }
    eprint!("{said}");
    Ok(())
}

/// The directory that [`build`] has left its programs in.
///
/// # Errors
/// [`Error::Missing`] if it has not been called yet.
pub fn built(paths: &Paths) -> Result<PathBuf> {
    let directory = paths.build.join("target").join(OUTPUT);
    if directory.join("lab-agent").exists() {
        return Ok(directory);
    }
    Err(Error::Missing {
        what: "the programs for the guest are not built".into(),
        mend: "make modules".into(),
    })
}

/// The command that builds the programs of packages for the guest.
pub(crate) fn cargo(program: &Path, packages: &[&str]) -> Command {
    let mut cargo = Command::new(program);
    cargo
        .args([
            "build",
            "--quiet",
            "--profile",
            "guest",
            "--bins",
            "--target",
            TARGET,
        ])
        // Only for the target, so that build scripts and macros stay as they are.
        .env(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "-C target-feature=+crt-static",
        );
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo
}

/// The programs in a directory that [`build`] has returned, those of the harness left out.
///
/// # Errors
/// [`Error::Io`].
pub fn names(directory: &Path) -> Result<Vec<PathBuf>> {
    use std::os::unix::fs::PermissionsExt;
    let what = || Error::io(format!("reading {}", directory.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(what())? {
        let entry = entry.map_err(what())?;
        let meta = entry.metadata().map_err(what())?;
        let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        let name = entry.file_name();
        if runs && !name.as_encoded_bytes().starts_with(b"lab-") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
