// SPDX-License-Identifier: MIT OR Apache-2.0
//! Code that all programs of the lab share: beginning and end, the requested kernel and machines,
//! signals, and colours.
//!
//! May use: `lab-scene` and below. Must never come in: code of one program only.

mod arguments;
mod host;
mod record;
mod signals;
mod style;

pub use arguments::{Wish, main};
pub use host::{host, processor, processors};
pub use record::{show, style_of, summary};
pub use signals::{on_interrupt, on_signals, spawn};
pub use style::{GREEN, RED, bold, green, red, styled};
