// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals, and the end of the parent process.

use std::thread;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};

/// End together with make, and QEMU with the lab. Otherwise the lab would continue after a kill -9
/// of make.
pub(crate) fn die_with_parent() -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)
}

/// Make each Ctrl-C, and the end of make, call `act`. Call this before other threads start, because
/// all threads block these signals for the one that waits for them.
///
/// # Errors
/// If signals cannot be blocked, or no thread can be started.
pub fn on_interrupt(act: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    on_signals(&[Signal::SIGINT, Signal::SIGTERM], act)
}

/// The same for these signals.
///
/// # Errors
/// As [`on_interrupt`].
pub fn on_signals(
    signals: &[Signal],
    mut act: impl FnMut() + Send + 'static,
) -> anyhow::Result<()> {
    let signals: SigSet = signals.iter().copied().collect();
    signals.thread_block().context("blocking signals")?;
    spawn("signals", move || {
        while signals.wait().is_ok() {
            act();
        }
    })
}

/// Start a thread that is never joined.
///
/// # Errors
/// If none can be started.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).context("starting a thread")
}
