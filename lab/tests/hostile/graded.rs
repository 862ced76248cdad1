// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading one row with the program `lab-grade`, among canaries.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::Once,
};

use lab_base::environment::command;
use nix::libc;
use serde_json::Value;

use crate::{
    canaries::{Canaries, DESCRIPTOR, VARIABLE},
    row::Row,
    watch::{Watched, watch},
};

/// What came of grading.
pub(crate) struct Graded {
    pub(crate) canaries: Canaries,
    pub(crate) watched: Watched,
    pub(crate) stderr: String,
    /// All that was written: reports and consoles, by their names.
    pub(crate) written: BTreeMap<String, Vec<u8>>,
    pub(crate) json: Value,
}

impl Graded {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.watched.stdout).into_owned()
    }

    /// Each check with its status and points.
    pub(crate) fn checks(&self) -> Vec<(String, String, u64)> {
        let stages = self.json["stages"].as_array();
        let checks = stages.into_iter().flatten();
        let checks = checks.flat_map(|stage| stage["checks"].as_array().into_iter().flatten());
        checks
            .map(|check| {
                let text = |name: &str| check[name].as_str().unwrap_or("none").to_owned();
                let points = check["points"].as_u64().unwrap_or(0);
                (text("id"), text("status"), points)
            })
            .collect()
    }

    /// One line for people.
    pub(crate) fn summary(&self) -> String {
        let checks = self.checks();
        let checks: Vec<_> = checks
            .iter()
            .map(|(id, how, _)| format!("{id} {how}"))
            .collect();
        match checks.is_empty() {
            true => self
                .stderr
                .lines()
                .last()
                .unwrap_or_default()
                .chars()
                .take(150)
                .collect(),
            false => checks.join(", "),
        }
    }
}

/// The program. What every row needs is built with it, and is not counted as theirs.
fn program() -> &'static str {
    static READY: Once = Once::new();
    READY.call_once(|| {
        let kernel = lab_scene::test_machines::workshop();
        assert!(kernel.is_ok(), "{}", kernel.err().unwrap());
    });
    crate::program::program()
}

/// Where cargo and rustup are, which a home of canaries has not.
fn tools() -> impl Iterator<Item = (&'static str, OsString)> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let all = [
        ("CARGO_HOME", ".cargo"),
        ("RUSTUP_HOME", ".rustup"),
        ("IPCLAB_CACHE", ".cache/ipclab"),
    ];
    all.into_iter().map(move |(name, usual)| {
        let own = std::env::var_os(name).filter(|value| !value.is_empty());
        (name, own.unwrap_or_else(|| home.join(usual).into()))
    })
}

/// Write the files of a row, or the archive.
fn hand_in(row: &Row, canaries: &Canaries) -> PathBuf {
    let mut files = row.files();
    for text in files.values_mut() {
        *text = canaries.with_places(text);
    }
    let folder = canaries.submission();
    if let Some((ending, pack)) = row.pack {
        let archive = folder.join(format!("submission{ending}"));
        fs::write(&archive, pack(&files)).unwrap();
        return archive;
    }
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    if let Some(prepare) = row.prepare {
        prepare(&folder);
    }
    folder
}

pub(crate) fn grade(row: &Row) -> Graded {
    let canaries = Canaries::new();
    let submission = hand_in(row, &canaries);
    let stderr_file = canaries.home().with_file_name("stderr");
    let secret = fs::File::open(canaries.secret()).unwrap();
    let mut grader = command(program());
    let kernel = std::env::var("KERNEL").ok().filter(|name| !name.is_empty());
    grader
        .args(["--kernel", kernel.as_deref().unwrap_or("stock")])
        .args([
            "grade",
            "--no-build",
            "--seed",
            "1",
            "--stage",
            row.base.stage(),
        ])
        .arg("--out")
        .args([&canaries.out(), &submission])
        .arg(row.checks)
        .env("HOME", canaries.home())
        .envs(tools())
        .env(VARIABLE, &canaries.token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&stderr_file).unwrap());
    if let Some(seconds) = row.timeout {
        grader.args(["--timeout", &seconds.to_string()]);
    }
    let secret_fd = secret.as_raw_fd();
    // SAFETY: system calls only. The descriptor is open until the program has been started, and the
    // other number is nobody's in the new process before it executes the program.
    unsafe {
        grader.pre_exec(move || {
            let copy = libc::dup2(secret_fd, DESCRIPTOR);
            nix::errno::Errno::result(copy)?;
            // It stays open.
            std::mem::forget(OwnedFd::from_raw_fd(copy));
            Ok(())
        });
    }
    let child = grader.spawn().unwrap();
    drop(secret);
    let watched = watch(child);
    let mut written = BTreeMap::new();
    add_files(&canaries.out(), &mut written);
    let json = written
        .get("report.json")
        .and_then(|text| serde_json::from_slice(text).ok());
    Graded {
        watched,
        stderr: String::from_utf8_lossy(&fs::read(stderr_file).unwrap()).into_owned(),
        written,
        json: json.unwrap_or_default(),
        canaries,
    }
}

fn add_files(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files);
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}
