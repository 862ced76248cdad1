// SPDX-License-Identifier: MIT OR Apache-2.0
//! The environment that scripts and programs of the lab get, whatever environment they are started
//! in, and the paths in it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use lab_base::environment::command;

/// A checkout with only the files that state the environment, below a directory of this name.
struct Checkout {
    _place: tempfile::TempDir,
    path: PathBuf,
}

impl Checkout {
    fn new(name: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(name);
        fs::create_dir_all(path.join("lab")).unwrap();
        for file in ["env.sh", "environment.txt"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            fs::copy(from, path.join("lab").join(file)).unwrap();
        }
        Checkout {
            _place: place,
            path: path.canonicalize().unwrap(),
        }
    }

    /// Run a command through `lab/env.sh`, with these variables and `PATH`.
    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let home = self.path.join("home");
        fs::create_dir_all(&home).unwrap();
        command(self.path.join("lab/env.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home)
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// The variables that a command gets.
    fn variables(&self, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        let output = self.run(variables, &["env", "-0"]);
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0')
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory that replaces one whose path has special characters; removed with this value.
struct Replaced(PathBuf);

impl Drop for Replaced {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_command_gets_the_variables_that_are_named_and_no_others() {
    let checkout = Checkout::new("plain");
    let nowhere = checkout.path.join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let found = checkout.variables(&[
        ("CARGO_TARGET_DIR", nowhere),
        ("RUSTFLAGS", "--nonsense"),
        ("CROSS_COMPILE", "arm-"),
        ("PYTHONPATH", nowhere),
        ("GIT_DIR", nowhere),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("CLICOLOR_FORCE", "1"),
        ("LD_PRELOAD", ""),
        ("TMPDIR", nowhere),
        ("KERNEL", ""),
        ("SEED", "7"),
        ("CARGO_NET_RETRY", "9"),
    ]);
    let build = checkout.path.join("build");
    let expected = [
        ("CARGO_NET_RETRY", "9".to_owned()),
        ("SEED", "7".to_owned()),
        ("LC_ALL", "C".to_owned()),
        ("BUILD", build.display().to_string()),
        (
            "CARGO_TARGET_DIR",
            build.join("target").display().to_string(),
        ),
        ("IPCLAB_CHECKOUT", checkout.path.display().to_string()),
        (
            "IPCLAB_CACHE",
            checkout
                .path
                .join("home/.cache/ipclab")
                .display()
                .to_string(),
        ),
    ];
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(&value), "{name}");
    }
    // Variables that the test does not state: HOME, PATH, the mark of env.sh, those that bash
    // always has.
    let rest = ["HOME", "PATH", "IPCLAB_ENV", "TERM"];
    let others: Vec<_> = found
        .keys()
        .filter(|name| !rest.contains(&name.as_str()))
        .collect();
    assert_eq!(others.len(), 7, "{others:?}");
}

#[test]
fn what_a_shell_reads_changes_nothing() {
    let checkout = Checkout::new("shell");
    let file = checkout.path.join("read-by-bash");
    fs::write(&file, "set -o noclobber\nIFS=:\nexit 7\n").unwrap();
    let file = file.to_str().unwrap();
    let found = checkout.variables(&[
        ("BASH_ENV", file),
        ("ENV", file),
        ("CDPATH", ".:..:/"),
        ("POSIXLY_CORRECT", "1"),
        ("SHELLOPTS", "noclobber:noglob"),
        ("BASH_FUNC_readlink%%", "() { echo /; }"),
    ]);
    assert_eq!(found["IPCLAB_CHECKOUT"], checkout.path.to_str().unwrap());
}

#[test]
fn where_a_path_is_not_plain_another_is_built_in_and_the_checkout_links_to_it() {
    for name in ["my work/lab", "wörk", "學校", "a,b", "a:b", "$HOME", "it's"] {
        let checkout = Checkout::new(name);
        let found = checkout.variables(&[]);
        let build = Replaced(PathBuf::from(&found["BUILD"]));
        let _cache = Replaced(PathBuf::from(&found["IPCLAB_CACHE"]).join("nothing"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        assert!(found["BUILD"].chars().all(plain), "{}", found["BUILD"]);
        assert!(found["IPCLAB_CACHE"].chars().all(plain), "{found:?}");
        assert_eq!(fs::read_link(checkout.path.join("build")).unwrap(), build.0);
        // The next run finds the same.
        assert_eq!(checkout.variables(&[])["BUILD"], found["BUILD"]);
        let mode = fs::metadata(build.0.parent().unwrap())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn what_was_built_for_another_place_is_built_again() {
    let checkout = Checkout::new("before");
    checkout.variables(&[]);
    let program = |root: &Path| root.join("build/target/debug/lab");
    fs::create_dir_all(program(&checkout.path)).unwrap();
    checkout.variables(&[]);
    assert!(program(&checkout.path).exists());
    let after = checkout.path.with_file_name("after");
    fs::rename(&checkout.path, &after).unwrap();
    let moved = Checkout {
        path: after,
        ..checkout
    };
    let output = moved.run(&[], &["true"]);
    assert!(said(&output).contains("was moved"), "{}", said(&output));
    assert!(!program(&moved.path).exists());
    assert_eq!(said(&moved.run(&[], &["true"])), "");
}

#[test]
fn a_directory_with_other_things_in_it_is_not_built_in() {
    let checkout = Checkout::new("plain");
    let precious = checkout.path.join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("thesis"), "").unwrap();
    let build = [("BUILD", precious.to_str().unwrap())];
    let output = checkout.run(&build, &["true"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("lab: BUILD: expected an empty directory"));
    assert_eq!(fs::read_dir(&precious).unwrap().count(), 1);
    fs::remove_file(precious.join("thesis")).unwrap();
    // Twice: the second time, the directory is the lab's own.
    for _ in 0..2 {
        assert_eq!(checkout.variables(&build)["BUILD"], build[0].1);
    }
    assert!(!checkout.path.join("build").exists());
}

/// The container's image copies only what set-up reads, before it runs set-up.
#[test]
fn set_up_finds_all_that_it_reads_in_the_layer_of_the_container() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let place = tempfile::tempdir().unwrap();
    let recipe = fs::read_to_string(checkout.join("lab/container/Containerfile")).unwrap();
    let before = recipe.split("RUN lab/setup.sh").next().unwrap();
    let copies: Vec<_> = before
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .collect();
    assert!(!copies.is_empty());
    for copy in copies {
        let copied = command("sh")
            .args(["-ec", "mkdir -p \"$1/$3\" && cp $2 \"$1/$3\"", "sh"])
            .arg(place.path())
            .args(copy.rsplit_once(' ').map(<[&str; 2]>::from).unwrap())
            .current_dir(checkout)
            .status()
            .unwrap();
        assert!(copied.success(), "{copy}");
    }
    let output = command("bash")
        .args(["-euo", "pipefail", "-c", "source lab/needs.sh && table"])
        .env("IPCLAB_CHECKOUT", place.path())
        .env("IPCLAB_CACHE", place.path())
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("python3"), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
