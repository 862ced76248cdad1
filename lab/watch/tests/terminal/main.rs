// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab watch` as people use it: on a copy of this checkout, in a terminal of tmux and as lines.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where it panics"
)]

mod copy;
mod lines;
mod processes;
mod screen;
mod wait;
