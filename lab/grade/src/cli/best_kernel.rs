// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel that grades.

use clap::ValueEnum;
use lab_base::paths::Paths;
use lab_build::kernels::{Kernel, Which};

/// The kernel that sees most of those that are there.
///
/// # Errors
/// The environment states no paths.
pub(crate) fn best(which: Option<Which>) -> anyhow::Result<Which> {
    if let Some(which) = which {
        return Ok(which);
    }
    let paths = Paths::find()?;
    let there = |which: &Which| Kernel::find(&paths, Some(*which)).is_ok();
    let best = Which::ALL.into_iter().rev().find(there);
    Ok(best.unwrap_or(Which::Stock))
}

/// The kernel of this name.
///
/// # Errors
/// There is none.
pub(crate) fn kernel_named(name: &str) -> anyhow::Result<Which> {
    Which::from_str(name, false).map_err(|error| anyhow::anyhow!("kernel {name}: {error}"))
}
