// SPDX-License-Identifier: MIT OR Apache-2.0
//! What machines are made of: kernels, modules, the programs that run in the guest, its root
//! directory and its initramfs. Each is built once for its inputs.
//!
//! May use: `lab-base`, and `lab-console` for lines of a module's source. Must never come in: QEMU,
//! and whether what is built is this checkout's own or was handed in.

pub mod cargo;
pub mod initramfs;
pub mod kernel_build;
pub mod kernels;
pub mod modules;
pub mod programs;
pub mod root;
pub mod stand_in;
mod which;
