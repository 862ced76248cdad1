// SPDX-License-Identifier: MIT OR Apache-2.0
//! A batch: many submissions, one results folder. Each submission is graded by a process of its own;
//! here is what is planned, what came of it, and the table and the page that show it.
//!
//! The [`plan`] says which submissions belong to the batch. A [`result`] belongs to one submission,
//! and is complete or not there. [`table`] and [`page`] are made from the results alone, so a batch
//! that was killed loses none.

mod class;
mod fingerprint;
mod folder;
mod ids;
pub mod page;
pub mod plan;
pub mod result;
pub mod table;

pub use class::{leads_somewhere, members};
pub use fingerprint::fingerprint;
pub use folder::ResultsFolder;
