// SPDX-License-Identifier: MIT OR Apache-2.0
//! A verdict on code that nobody has vouched for.

pub mod run;
