// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a kernel's own words say: the first report of a crash on a console, what it means, in which
//! line of a module, and the functions whose memory was left behind. Pure.
//!
//! May use: `lab-base`. Must never come in: files, machines, and whatever asks for the words.

mod aside;
mod class;
mod classes;
mod kernel_log;
mod lasting;
pub mod leaks;
mod lines;
mod locate;
mod plain;
mod prefix;
mod records;
mod report;
pub mod stacks;
mod trace;
mod wrapped;

pub use aside::is_aside;
pub use class::Class;
pub use kernel_log::is_kernel_log;
pub use lasting::lasting;
pub use locate::{Source, locate};
pub use report::{KernelReport, first_fault, first_report, tail};
pub use trace::Place;
