// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asks the module `nl_greeting` to greet whoever listens.

use std::process::ExitCode;

use clap::Parser;
use part2_netlink::{Error, connection::Connection, finish};
use protocol::greeting::REQUEST;

/// Have the kernel greet every nl-recv.
///
/// Needs the module nl_greeting. That nobody listens is no error.
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
