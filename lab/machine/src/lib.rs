// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines: starting and confining QEMU, booting, saving and restoring machines, and the exchange
//! with the agent inside.
//!
//! May use: `lab-build` and below, `lab-agent` for orders and reports. Must never come in:
//! scenarios, and expectations of a module. Only `vng` knows virtme-ng's command line, only `qemu`
//! QEMU's.

pub mod confine;
mod machine;
mod machines;
mod memory;
pub mod monitor;
mod observed;
mod patience;
pub mod probe;
pub mod qemu;
mod site;
pub mod vng;
mod warm;

pub use machine::{MARK, Machine, PATIENCE};
pub use machines::{Machines, Start};
pub use observed::{LogLine, Observed, Process, Trouble};
pub use patience::Patience;
pub use site::Site;
