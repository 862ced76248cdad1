// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contract between the kernel modules and the programs: wire formats, limits and numbers.
//!
//! Everything here is pure: bytes in, values out. Sockets live in `netlink-client` and in the stage
//! crates, C in `kernel/include/uapi`; `tests/uapi.rs` compiles that header and compares every
//! constant.

pub mod attributes;
pub mod greeting;
pub mod hello;
pub mod model;
pub mod netlink;
pub mod pubsub;
pub mod router;
pub mod routes;
pub mod slot;
