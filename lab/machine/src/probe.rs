// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether KVM works here and how fast machines are. Both are measured once and saved.
//!
//! The existence of `/dev/kvm` proves nothing: on some hosts a guest stops with an internal error
//! or loops for ever. So the first boot of each kernel tries KVM under a deadline and falls back to
//! emulation. The result is kept until host, QEMU or kernel change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lab_base::{Error, Result, paths, paths::Paths};
use lab_build::kernels::Kernel;
use serde::{Deserialize, Serialize};

use crate::{confine, qemu};

/// The boot time on which deadlines are based: the lab kernel, emulated, on two idle cores.
pub const REFERENCE_BOOT: Duration = Duration::from_secs(2);

/// How long a first boot with KVM may take. A working one takes a second or two.
pub const KVM_LIMIT: Duration = Duration::from_secs(20);

/// How long a boot may take when no result is known yet.
pub const FIRST_LIMIT: Duration = Duration::from_secs(240);

/// The results of a first boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// Whether machines are started with KVM.
    pub kvm: bool,
    /// The reason, for people.
    pub because: String,
    /// Boot time in seconds, without the time in which the host had no processor for it.
    pub boot_effort_seconds: f64,
}

impl ProbeResult {
    /// Factor of all deadlines, at least 1.
    pub fn slowness(&self) -> f64 {
        (self.boot_effort_seconds / REFERENCE_BOOT.as_secs_f64()).max(1.0)
    }

    /// How long a boot may take: ten times the measured time, at least a minute.
    pub fn boot_limit(&self) -> Duration {
        Duration::from_secs_f64((self.boot_effort_seconds * 10.0).max(60.0))
    }
}

/// Short name for everything that a result depends on: `kernel`, and this host with its QEMU.
///
/// # Errors
/// [`Error::Missing`] if QEMU is not installed.
pub(crate) fn key(kernel: &Kernel) -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .unwrap_or_default();
    let host = read("/proc/sys/kernel/osrelease");
    let qemu = qemu::fingerprint()?;
    let kvm = kvm_device().err().unwrap_or_default();
    let inputs = [cpu, &host, &qemu, &kernel.key, &kvm].map(str::as_bytes);
    Ok(paths::digest(inputs))
}

/// The file with the result for `kernel` on this host.
///
/// # Errors
/// [`Error::Missing`] if QEMU is not installed.
pub fn file(paths: &Paths, kernel: &Kernel) -> Result<PathBuf> {
    Ok(paths.cache.join(format!("probe-{}.toml", key(kernel)?)))
}

/// The result in `file`, if it exists. A damaged file counts as missing.
pub fn recall(file: &Path) -> Option<ProbeResult> {
    toml::from_str(&fs::read_to_string(file).ok()?).ok()
}

/// Save a result.
///
/// # Errors
/// [`Error::Io`], for example if the disk is full.
pub fn remember(file: &Path, probed: &ProbeResult) -> Result<()> {
    let text = toml::to_string(probed)
        .map_err(|error| Error::Unexpected(format!("writing the result: {error}")))?;
    paths::write_if_changed(file, text.as_bytes(), 0o644)
}

/// Whether KVM can be tried at all.
///
/// # Errors
/// The reason in a few words.
pub fn kvm_device() -> Result<(), String> {
    confine::may_open_kvm()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_recalled_and_a_damaged_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("probe.toml");
        let probed = ProbeResult {
            kvm: false,
            because: "no device".into(),
            boot_effort_seconds: 7.0,
        };
        remember(&file, &probed).unwrap();
        assert_eq!(recall(&file), Some(probed.clone()));
        assert_eq!(probed.slowness(), 3.5);
        fs::write(&file, "kvm = ").unwrap();
        assert_eq!(recall(&file), None);
    }
}
