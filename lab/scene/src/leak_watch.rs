// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is remembered to tell leaks.

use lab_console::leaks::{Listed, Symbol};

/// What had been allocated by unknown functions before the module under test came.
pub(crate) struct LeakWatch {
    pub(crate) slab: Listed,
    pub(crate) vmalloc: Listed,
    /// Functions of the modules that were removed since.
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) has_kmemleak: bool,
}
