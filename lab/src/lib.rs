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

#[path = "../scene/src/actor.rs"]
pub mod actor;
#[path = "../measure/src/rows.rs"]
pub mod bench;
#[path = "../machine/src/confine.rs"]
pub mod confine;
#[path = "../fuzz/src/compare.rs"]
pub mod fuzz;
#[path = "../grade/src/lib.rs"]
pub mod grade;
#[path = "../machine/src/machine.rs"]
pub mod machine;
#[path = "../machine/src/memory.rs"]
mod memory;
#[path = "../machine/src/monitor.rs"]
pub mod monitor;
#[path = "../course/src/mutants.rs"]
pub mod mutants;
#[path = "../machine/src/patience.rs"]
mod patience;
#[path = "../scene/src/peer.rs"]
pub mod peer;
#[path = "../machine/src/probe.rs"]
pub mod probe;
#[path = "../machine/src/qemu.rs"]
pub mod qemu;
#[path = "../scene/src/scene.rs"]
pub mod scene;
#[path = "../scene/src/slot_peer.rs"]
pub mod slot_peer;
#[path = "../stages/src/catalogue.rs"]
pub mod stages;
#[path = "../course/src/starter.rs"]
pub mod starter;
#[path = "../scene/src/subject.rs"]
pub mod subject;
#[path = "../scene/src/testing.rs"]
pub mod testing;
#[path = "../scene/src/transcript.rs"]
pub mod transcript;
#[path = "../machine/src/vng.rs"]
pub mod vng;
#[path = "../stages/src/walkthrough.rs"]
pub mod walkthrough;
#[path = "../machine/src/warm.rs"]
pub mod warm;
#[path = "../scene/src/workshop.rs"]
pub mod workshop;
