// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources of a part of a submission.

/// The sources of a part. Paths are those of [`SubmittedFile::path`](crate::unpack::SubmittedFile::path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// Sources in C, the one with the entry or with `main` first. What they include is found
    /// where they have it.
    C(Vec<String>),
    /// One of the programs of a crate: its package, and its directory in the submission.
    Rust {
        /// One of [`packages`](lab_base::catalogue::packages).
        package: &'static str,
        /// Where its `src/` is; empty, or ends with `/`.
        directory: String,
    },
}
