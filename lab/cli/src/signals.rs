// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals, and the end of the process that has started us.

use std::thread;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};

/// If make is killed, end too, and QEMU with us. Without this a kill -9 of make would leave us
/// running to the end.
pub(crate) fn die_with_parent() -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)
}

/// Have `act` called each time that Ctrl-C is pressed, or when make ends. To be called before there is
/// another thread: all leave these signals to the one that waits for them.
///
/// # Errors
/// Signals cannot be blocked, or no thread can be started.
pub fn on_interrupt(mut act: impl FnMut() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context("blocking signals")?;
    spawn("signals", move || {
        while signals.wait().is_ok() {
            act();
        }
    })
}

/// Start a thread that nobody joins.
///
/// # Errors
/// None can be started.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).context("starting a thread")
}
