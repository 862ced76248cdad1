// SPDX-License-Identifier: MIT OR Apache-2.0
//! The environment of the programs that the harness starts: the variables in `lab/environment.txt`
//! and those stated here. Other variables of the user (`RUSTFLAGS`, `CROSS_COMPILE`, `PYTHONPATH`,
//! `GCC_COLORS`, ...) reach none of them.

use std::{
    ffi::{OsStr, OsString},
    process::Command,
};

/// Names of variables, one per line. `lab/env.sh` reads the same file.
const PASSED: &str = include_str!("../../environment.txt");

/// A command for `program` in the stated environment. The lab sets `PATH`, and messages are in
/// English.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the environment is stated here")]
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(passed(std::env::vars_os()))
        .env("LC_ALL", "C");
    command
}

/// The entries of `variables` that are passed on.
fn passed(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    variables.filter(|(name, value)| !value.is_empty() && name.to_str().is_some_and(is_passed))
}

fn is_passed(name: &str) -> bool {
    PASSED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .any(|line| match line.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == line,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_are_named_are_passed_on() {
        for name in ["PATH", "HOME", "https_proxy", "CARGO_HTTP_CAINFO", "KERNEL"] {
            assert!(is_passed(name), "{name}");
        }
        for name in [
            "",
            "*",
            "#",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "CC",
            "CROSS_COMPILE",
            "KCFLAGS",
            "ARCH",
            "MAKEFLAGS",
            "PYTHONPATH",
            "GIT_DIR",
            "LANG",
            "LC_ALL",
            "GCC_COLORS",
            "CDPATH",
            "LD_PRELOAD",
            "TAR_OPTIONS",
            "CARGO_BUILD_TARGET",
            "PIP_TARGET",
        ] {
            assert!(!is_passed(name), "{name}");
        }
    }

    #[test]
    fn an_empty_variable_is_none() {
        let pairs = [("KERNEL", ""), ("HOME", "/root"), ("CC", "x")];
        let variables = pairs.map(|(name, value)| (name.into(), value.into()));
        let left: Vec<_> = passed(variables.into_iter()).collect();
        assert_eq!(left, [("HOME".into(), "/root".into())]);
    }
}
