// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listens to the multicast group of the module `nl_greeting`.
//!
//! If it was too slow, it prints the number of missed greetings on stderr.

use std::process::ExitCode;

use clap::Parser;
use part2_netlink::{
    Error,
    connection::{Connection, Event},
    finish, print_line,
    ready::Stop,
};
use protocol::greeting::{DATA, GROUP, text};

/// Print each greeting from the kernel.
///
/// Needs the module nl_greeting. Ends on SIGINT and on SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Arguments {}

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    finish("nl-recv", run())
}

fn run() -> Result<(), Error> {
    // lab:begin nl-recv: join, wait, print each greeting, report how many were lost (G1, N10, N11)
    let stop = Stop::on_signal()?;
    let mut connection = Connection::open()?;
    connection.join(GROUP)?;
    print_line(b"Waiting for message from kernel")?;
    // Unknown until the first one, because the kernel may have greeted before.
    let mut expected = None;
    while let Some(event) = connection.event(&stop)? {
        let Event::Data { header, payload } = event else {
            continue;
        };
        if header.kind != DATA {
            continue;
        }
        let lost = header.seq.wrapping_sub(expected.unwrap_or(header.seq));
        if lost != 0 {
            eprintln!("nl-recv: {lost} messages were lost");
        }
        expected = Some(header.seq.wrapping_add(1));
        print_line(format!("Received message payload: {}", text(&payload)?).as_bytes())?;
    }
    Ok(())
    // lab:end stub: Err(Error::call("run", nix::errno::Errno::ENOSYS))
}
