// SPDX-License-Identifier: MIT OR Apache-2.0
//! One process and the kernel: the user's side of the module `nl_hello`.

use std::{ffi::OsString, os::unix::ffi::OsStrExt, process::ExitCode};

use clap::Parser;
use part2_netlink::{
    Error,
    connection::{Connection, Event},
    finish, print_line,
    ready::Stop,
};
use protocol::hello::{ANSWER, REQUEST};

/// Send a text to the kernel and print its answer.
///
/// Needs the module nl_hello.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The text: 1 to 1024 bytes.
    text: OsString,
}

fn main() -> ExitCode {
    let Arguments { text } = Arguments::parse();
    finish("nl-hello", run(text.as_bytes()))
}

fn run(text: &[u8]) -> Result<(), Error> {
    // lab:begin nl-hello: send the text, and print the answer (H1, N11)
    let stop = Stop::on_signal()?;
    let mut connection = Connection::open()?;
    connection.request("hello", REQUEST, text)?;
    while let Some(event) = connection.event(&stop)? {
        if let Event::Data { header, payload } = event
            && header.kind == ANSWER
        {
            return print_line(&payload);
        }
    }
    Ok(())
    // lab:end stub: Err(Error::call("run", nix::errno::Errno::ENOSYS))
}
