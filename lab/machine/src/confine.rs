// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user that QEMU runs as. A guest that takes QEMU over gets the rights of QEMU: not root's
//! rights, and no descriptor or variable that is not meant for it.

use std::{
    fs,
    os::{
        fd::{BorrowedFd, RawFd},
        unix::{fs::MetadataExt, process::CommandExt},
    },
    process::Command,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    libc,
    sys::{prctl, signal::Signal},
    unistd::{Gid, Pid, Uid, geteuid, getppid, setgroups, setresgid, setresuid},
};

/// User and group of a QEMU that root starts. It is the lab's own, because other processes run as
/// `nobody`. Debian assigns no ids from 65000 to 65533 (Debian Policy, 9.2.2), and systemd none
/// from 65520 (its "Users, Groups, UIDs and GIDs"). Containers have the ids up to 65535.
pub const USER: u32 = 65_521;

/// Capabilities with which root starts and ends a process of another user (linux/capability.h).
const CAPABILITIES: [(u64, &str); 3] = [(5, "CAP_KILL"), (6, "CAP_SETGID"), (7, "CAP_SETUID")];

/// Whether QEMU runs as [`USER`]; otherwise the reason why it runs as the user of the lab.
///
/// # Errors
/// The reason.
pub fn is_apart() -> Result<(), String> {
    if !geteuid().is_root() {
        return Err("the lab was not started by root".into());
    }
    let read = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let effective = read("status")
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or_default();
    for (bit, name) in CAPABILITIES {
        if effective >> bit & 1 == 0 {
            return Err(format!("root has no {name} here"));
        }
    }
    if !maps(&read("uid_map")) || !maps(&read("gid_map")) {
        return Err(format!("user {USER} does not exist in this container"));
    }
    if read("setgroups").trim() == "deny" {
        return Err("groups cannot be given up in this container".into());
    }
    Ok(())
}

/// Whether [`USER`] is in a map of ids. A line has the first id, the first id outside, and the
/// length (`user_namespaces(7)`).
fn maps(map: &str) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(len))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            return false;
        };
        (first..first + len).contains(&USER.into())
    })
}

/// The group that may open /dev/kvm, if it is not root's.
fn kvm_group() -> Option<Gid> {
    let meta = fs::metadata("/dev/kvm").ok()?;
    (meta.mode() & 0o060 == 0o060 && meta.gid() != 0).then(|| Gid::from_raw(meta.gid()))
}

/// Whether QEMU may open /dev/kvm.
///
/// # Errors
/// The reason in a few words.
pub(crate) fn may_open_kvm() -> Result<(), String> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .map_err(|error| format!("/dev/kvm: {error}"))?;
    let for_all = fs::metadata("/dev/kvm").is_ok_and(|meta| meta.mode() & 0o006 == 0o006);
    if is_apart().is_err() || for_all || kvm_group().is_some() {
        return Ok(());
    }
    Err("only root may open /dev/kvm, and QEMU does not run as root".into())
}

/// Make `command` run as [`USER`] where this is possible. It cannot gain rights. It has its
/// standard descriptors and `inherited`, and reaches no directory that it was not given. It gets
/// `signal` when the thread that starts it ends. `owner` is the process of this thread.
///
/// # Safety
/// The descriptors in `inherited` must be open when `command` is started.
pub(crate) unsafe fn confine(
    command: &mut Command,
    inherited: Vec<RawFd>,
    owner: Pid,
    signal: Signal,
) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).current_dir("/");
    let groups: Vec<Gid> = kvm_group().into_iter().collect();
    let apart = is_apart().is_ok();
    let act = move || {
        // SAFETY: the descriptors are open, by the contract of this function.
        unsafe { keep_only(&inherited) }?;
        if apart {
            let (uid, gid) = (Uid::from_raw(USER), Gid::from_raw(USER));
            setgroups(&groups)?;
            setresgid(gid, gid, gid)?;
            setresuid(uid, uid, uid)?;
        }
        prctl::set_no_new_privs()?;
        // After setresuid, because a change of user clears it.
        end_with(owner, signal)?;
        Ok(())
    };
    // SAFETY: all of these calls are async-signal-safe system calls that do not use the heap.
    unsafe { command.pre_exec(act) };
}

/// Have this process get `signal` when the thread that has started it ends. `owner` is the process of
/// this thread. Async-signal-safe.
///
/// # Errors
/// `ESRCH` if the owner has ended already, because then the kernel sends nothing.
pub fn end_with(owner: Pid, signal: Signal) -> nix::Result<()> {
    prctl::set_pdeathsig(signal)?;
    if getppid() != owner {
        return Err(Errno::ESRCH);
    }
    Ok(())
}

/// Make this process pass on its standard descriptors and these to the program that it executes,
/// and no others. Async-signal-safe.
///
/// # Errors
/// Of the system calls.
///
/// # Safety
/// The descriptors must be open.
pub unsafe fn keep_only(inherited: &[RawFd]) -> nix::Result<()> {
    // SAFETY: close_range only marks descriptors here.
    let result = unsafe {
        libc::close_range(
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC as libc::c_int,
        )
    };
    // Linux 5.10 does not know this flag. The lab's own descriptors are marked anyway.
    if let Err(errno) = Errno::result(result)
        && !matches!(errno, Errno::EINVAL | Errno::ENOSYS)
    {
        return Err(errno);
    }
    for &fd in inherited {
        // SAFETY: the descriptor is open, by the contract of this function.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_in_a_map_only_if_one_of_its_lines_has_it() {
        assert!(maps("         0          0 4294967295\n"));
        assert!(maps("0 1000 1\n1 100000 65536\n"));
        assert!(maps("0 100000 65536"));
        assert!(!maps("0 0 1\n"));
        assert!(!maps("0 100000 65521"));
        assert!(!maps("65522 100000 10"));
        assert!(!maps(""));
    }
}
