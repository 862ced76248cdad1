// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make watch`: repeats the demonstration of a step whenever its code is saved.
//!
//! [`watch`] has the files, the keys and the terminal. A second process, [`work`], builds and carries
//! out. It can be ended at any moment, with all that it has started, and nothing that it writes
//! reaches the terminal by itself.
//!
//! May use: `lab-course` and above, `lab-cli`. Must never come in: points, and hints, which belong
//! to `lab-grade`.

mod change;
mod diagram;
mod event;
mod files;
mod group;
mod lines;
mod messages;
mod pages;
mod process;
mod record;
mod row;
#[cfg(test)]
mod samples;
mod screen;
mod session;
mod settle;
mod watch;
mod work;

pub use watch::watch;
pub use work::work;
