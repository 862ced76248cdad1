// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the guest keeps from programs and modules under test. Code in the kernel can do everything;
//! this makes the easy ways fail.

use std::{fs, io, path::Path};

use nix::{
    libc,
    mount::{MsFlags, mount},
};

/// Capabilities that programs under test do not have, even as root (linux/capability.h). With them
/// they could read or stop the agent, or change the kernel: `CAP_SYS_MODULE`, `CAP_SYS_RAWIO`,
/// `CAP_SYS_PTRACE`, `CAP_SYS_ADMIN`, `CAP_SYS_BOOT`, `CAP_SYSLOG`, `CAP_PERFMON`, `CAP_BPF`,
/// `CAP_CHECKPOINT_RESTORE`.
const DENIED: [libc::c_ulong; 9] = [16, 17, 19, 21, 22, 34, 38, 39, 40];

/// Capabilities of programs that the kernel starts (Documentation/admin-guide/sysctl/kernel.rst).
const HELPERS: [&str; 2] = ["bset", "inheritable"];

/// Settings that decide whether the kernel's complaints are seen.
const SETTINGS: [&str; 6] = [
    "panic_on_warn",
    "panic_on_oops",
    "printk",
    "printk_devkmsg",
    "tainted",
    "usermodehelper",
];

/// For `pre_exec`: take [`DENIED`] from what the next program can get.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    for capability in DENIED {
        // SAFETY: prctl(2) takes numbers here.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        // EINVAL: this kernel does not have it. EPERM: the user is not root any more, and has none.
        if result != 0 {
            let error = io::Error::last_os_error();
            if !matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EPERM)) {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Programs that the kernel itself starts get no capabilities, and [`SETTINGS`] can only be read.
/// The root of a guest without such a file has nothing to protect.
pub(crate) fn settings() {
    let directory = Path::new("/proc/sys/kernel");
    for name in HELPERS {
        let _ = fs::write(directory.join("usermodehelper").join(name), "0 0");
    }
    for name in SETTINGS {
        let path = directory.join(name);
        let none = None::<&str>;
        let bound = mount(Some(&path), &path, none, MsFlags::MS_BIND, none);
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        if let Err(errno) = bound.and_then(|()| mount(none, &path, none, flags, none)) {
            eprintln!("agent: {} stays writable: {errno}", path.display());
        }
    }
}
