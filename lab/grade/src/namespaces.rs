// SPDX-License-Identifier: MIT OR Apache-2.0
//! User namespaces: why bubblewrap gets none here, and what to do about it. A filter refuses them to
//! commands in a sandbox.

use std::{fs, io, io::Write, path::Path};

use lab_base::{Error, Result};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Settings that keep user namespaces from ordinary users: the file, the value that does, and the
/// command that gives them.
const SETTINGS: [(&str, &str, &str); 3] = [
    // Debian.
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    // Ubuntu 23.10 and newer.
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    // user_namespaces(7).
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "sysctl -w user.max_user_namespaces=10000",
    ),
];

/// Files that podman and docker put into each container.
const CONTAINER_MARKS: [&str; 2] = ["/run/.containerenv", "/.dockerenv"];

/// The error for a sandbox that bubblewrap cannot make, with what it said.
pub(super) fn refused(said: &str) -> Error {
    let in_container = CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists());
    Error::Missing {
        what: format!(
            "bubblewrap cannot make a sandbox here: {}\n  \
             a submission is never built outside a sandbox",
            said.trim()
        ),
        mend: mend(in_container, |file| fs::read_to_string(file).ok()),
    }
}

fn mend(in_container: bool, read: impl Fn(&str) -> Option<String>) -> String {
    let wrong: Vec<&str> = SETTINGS
        .iter()
        .filter(|(file, refuses, _)| read(file).is_some_and(|value| value.trim() == *refuses))
        .map(|(_, _, command)| *command)
        .collect();
    match (wrong.is_empty(), in_container) {
        (false, false) => format!("as root: {}", wrong.join("; ")),
        (false, true) => format!("as root, outside of this container: {}", wrong.join("; ")),
        (true, true) => "start the container with podman; with docker, add \
             --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
             (it gets no privileges by that; lab/container/README.md says more); \
             or grade on a machine, outside of containers"
            .into(),
        (true, false) => {
            "let users make namespaces: run `unshare --user true` to see why it is refused".into()
        }
    }
}

/// A pipe with a seccomp filter, as bubblewrap reads it, that refuses user namespaces.
///
/// The flags of clone3(2) are in memory, where no filter sees them: it is refused as by a kernel
/// that does not have it, and the C library then calls clone(2).
///
/// # Errors
/// [`Error::Io`], and [`Error::Unexpected`] on a processor that has no such filter.
pub(super) fn filter() -> Result<io::PipeReader> {
    let program = program().map_err(|error| Error::Unexpected(format!("seccomp: {error}")))?;
    let write = || {
        let (reader, mut writer) = io::pipe()?;
        for step in program {
            // struct sock_filter; all of it fits into a pipe.
            writer.write_all(&step.code.to_ne_bytes())?;
            writer.write_all(&[step.jt, step.jf])?;
            writer.write_all(&step.k.to_ne_bytes())?;
        }
        Ok(reader)
    };
    write().map_err(Error::io("writing a seccomp filter"))
}

fn program() -> std::result::Result<BpfProgram, seccompiler::BackendError> {
    let user = libc::CLONE_NEWUSER as u64;
    let asks_for_one = || -> std::result::Result<_, seccompiler::BackendError> {
        let set = SeccompCmpOp::MaskedEq(user);
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, set, user)?;
        Ok(vec![SeccompRule::new(vec![condition])?])
    };
    let rules = [
        (libc::SYS_clone, asks_for_one()?),
        (libc::SYS_unshare, asks_for_one()?),
        (libc::SYS_clone3, Vec::new()),
    ];
    SeccompFilter::new(
        rules.into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::{mend, program};

    fn only(file: &'static str, value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |asked| asked.ends_with(file).then(|| format!("{value}\n"))
    }

    #[test]
    fn the_setting_that_refuses_is_named_and_no_other() {
        assert_eq!(
            mend(false, only("apparmor_restrict_unprivileged_userns", "1")),
            "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        );
        assert_eq!(
            mend(false, only("unprivileged_userns_clone", "0")),
            "as root: sysctl -w kernel.unprivileged_userns_clone=1"
        );
        assert!(mend(true, only("max_user_namespaces", "0")).contains("outside of this container"));
    }

    #[test]
    fn in_a_container_whose_host_allows_them_the_containers_options_are_named() {
        let said = mend(true, only("max_user_namespaces", "96365"));
        assert!(said.contains("--security-opt seccomp=unconfined"), "{said}");
        assert!(!said.contains("sysctl"), "{said}");
    }

    #[test]
    fn behind_the_filter_nobody_gets_a_user_namespace() {
        let run = |arguments: &[&str]| {
            let program = program().unwrap();
            let mut command = lab_base::environment::command(arguments[0]);
            command.args(&arguments[1..]);
            // SAFETY: two system calls, which are async-signal-safe, and no allocation.
            unsafe {
                command.pre_exec(move || {
                    seccompiler::apply_filter(&program)
                        .map_err(|_| std::io::ErrorKind::Unsupported.into())
                });
            }
            command.output().unwrap()
        };
        // A fork and a thread are none.
        assert!(run(&["sh", "-c", "true; sh -c true"]).status.success());
        let refused = run(&["unshare", "--user", "true"]);
        assert!(!refused.status.success());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("Function not implemented"), "{said}");
    }
}
