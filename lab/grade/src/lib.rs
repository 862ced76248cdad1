// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading: a verdict on code that nobody has vouched for.
//!
//! A submission is unpacked into memory ([`unpack`]), its parts are recognised by what is in them
//! ([`intake`], [`source`]), and what is built of it is built in a [`sandbox`] ([`build`],
//! [`crates`], [`numbers`]): the host never executes any of it. [`submitted`] puts it into machines,
//! [`run`] carries out what the [`rubric`] has planned; what comes of one check is an [`outcome`],
//! of all of them a [`report`], which [`render`] writes down. It names the [`compilers`]. Many
//! submissions are a [`batch`].
//!
//! May use: `lab-stages` and below; its program also `lab-course`. Must never come in: a way around
//! the [`sandbox`], which alone knows bubblewrap's command line.

pub mod again;
mod archive;
pub mod batch;
pub mod build;
pub mod build_time;
mod candidates;
pub mod causes;
mod class_export;
mod code;
mod commands;
pub mod compilers;
pub mod crates;
mod disk;
mod edition;
mod encoding;
mod file_names;
mod headers;
mod helpers;
pub mod intake;
pub mod kernel_commands;
mod layout;
mod leftovers;
mod links;
pub mod mapping;
mod namespaces;
pub mod numbers;
pub mod old_api;
pub mod outcome;
mod part_source;
mod probe;
pub mod refused;
pub mod render;
pub mod report;
pub mod rubric;
pub mod run;
pub mod safe_text;
pub mod sandbox;
pub mod selection;
pub mod shared;
pub mod source;
pub mod submitted;
mod suspects;
pub mod symptoms;
mod timed;
mod unknown_crates;
pub mod unpack;
mod wanted;
