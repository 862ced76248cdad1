// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asks the module `nl_greeting` for a greeting.

use std::process::ExitCode;

use clap::Parser;
use part2_netlink::{Error, connection::Connection, finish};
use protocol::greeting::REQUEST;

/// Make the kernel greet every nl-recv.
///
/// Needs the module nl_greeting. An empty group is no error.
#[derive(Parser)]
#[command(version)]
struct Arguments {}

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    finish("nl-greet", run())
}

fn run() -> Result<(), Error> {
    Connection::open()?.request("greet", REQUEST, &[])
}
