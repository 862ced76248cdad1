// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the buffer's synchronisation is made of.
//!
//! `tests/t9_model.rs` compiles the same source of the buffer against a module of this name that
//! has loom's instead.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
