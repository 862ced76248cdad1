// SPDX-License-Identifier: MIT OR Apache-2.0
//! The inputs of machines: kernels, modules, programs for the guest, its root directory and its
//! initramfs. Each is built once for its inputs.
//!
//! May use: `lab-base`, and `lab-console` for lines of a module's source. Must never come in: QEMU,
//! and the question whether code is this checkout's own or submitted.

pub mod cargo;
pub mod editor;
pub mod initramfs;
pub mod kernel_build;
pub mod kernels;
pub mod modules;
pub mod programs;
pub mod root;
pub mod stand_in;
mod which;
