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

#[path = "../measure/src/rows.rs"]
pub mod bench;
#[path = "../fuzz/src/compare.rs"]
pub mod fuzz;
#[path = "../grade/src/lib.rs"]
pub mod grade;
#[path = "../course/src/mutants.rs"]
pub mod mutants;
#[path = "../course/src/starter.rs"]
pub mod starter;
