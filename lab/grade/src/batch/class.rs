// SPDX-License-Identifier: MIT OR Apache-2.0
//! The submissions in the export of a class.

use std::path::{Path, PathBuf};

use crate::{archive::Container, class_export, unpack::NESTED_MAX, wanted};

/// The paths of the submissions in an export; empty if the path is one submission, or cannot be read.
pub fn members(path: &Path) -> Vec<PathBuf> {
    let Ok(container) = Container::at(path) else {
        return Vec::new();
    };
    let listed = wanted::list(&container).unwrap_or_default();
    class_export::members(&listed, NESTED_MAX)
        .into_iter()
        .map(|member| path.join(member.path))
        .collect()
}

/// Whether there is something at a path: a file, a directory, or a submission in the export of a class.
pub fn leads_somewhere(path: &Path) -> bool {
    let (_, inside) = wanted::outermost(path);
    !inside.as_os_str().is_empty() || path.symlink_metadata().is_ok()
}
