// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types that synchronise the buffer.
//!
//! `tests/t9_model.rs` compiles the same buffer with a module of this name that has loom's types.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
