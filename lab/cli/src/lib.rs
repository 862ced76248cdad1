// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the programs of the lab have in common: how they begin and end, the kernel and machines that
//! are asked for, signals, and colours.
//!
//! May use: `lab-scene` and below. Must never come in: what only one program does.

mod arguments;
mod host;
mod record;
mod signals;
mod style;

pub use arguments::{Wish, main};
pub use host::{host, processor};
pub use record::show;
pub use signals::{on_interrupt, spawn};
pub use style::{bold, green, red, styled};
