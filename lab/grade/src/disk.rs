// SPDX-License-Identifier: MIT OR Apache-2.0
//! The disk space of a directory.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// Unit of `st_blocks`, in bytes (stat(3type)).
const BLOCK: u64 = 512;

/// Bytes on disk of all files below a directory. A file that is removed meanwhile counts nothing.
pub(crate) fn bytes_in(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_in(&entry.path()),
            Ok(meta) => meta.blocks() * BLOCK,
            Err(_) => 0,
        })
        .sum()
}
