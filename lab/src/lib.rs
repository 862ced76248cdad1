// SPDX-License-Identifier: MIT OR Apache-2.0
//! The harness: it builds kernels, modules and programs, boots machines, runs scenarios in them
//! and says what came of it.
//!
//! From the bottom up: [`paths`], [`environment`] and [`progress`]; what a machine is made of ([`kernels`],
//! [`modules`], [`programs`], [`root`], [`initramfs`]); how one is started ([`vng`], [`qemu`],
//! [`confine`], [`monitor`], [`probe`], [`warm`], [`workshop`]); [`machine`], the conversation with the agent inside; [`scene`], in which
//! scenarios are written, with [`transcript`] as its record; and [`stages`], the scenarios; [`fuzz`] compares modules
//! with their models. [`testing`] shares a machine between the tests of one binary, [`walkthrough`] executes what
//! students are told to type. [`grade`] judges what others hand in,
//! [`bench`] measures.

pub mod actor;
pub mod bench;
pub mod confine;
pub mod fuzz;
pub mod grade;
pub mod machine;
mod memory;
pub mod monitor;
pub mod mutants;
mod patience;
pub mod peer;
pub mod probe;
pub mod qemu;
pub mod scene;
pub mod slot_peer;
pub mod stages;
pub mod starter;
pub mod subject;
pub mod testing;
pub mod transcript;
pub mod vng;
pub mod walkthrough;
pub mod warm;
pub mod workshop;
