// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state that is needed to find leaks.

use lab_console::leaks::{Listed, Symbol};

/// Memory that unknown functions had allocated before the first module was inserted.
pub(crate) struct LeakWatch {
    pub(crate) slab: Listed,
    pub(crate) vmalloc: Listed,
    /// Functions of the modules that have been removed since.
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) has_kmemleak: bool,
}
