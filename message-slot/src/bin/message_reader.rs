// SPDX-License-Identifier: MIT OR Apache-2.0
//! `message_reader SLOT CHANNEL`: print the message of the channel, byte for byte.
//!
//! Arguments are parsed by hand, because clap would exit with status 2.

use std::{fs::OpenOptions, path::Path, process::ExitCode};

use message_slot::{Error, Slot, arguments, channel, finish, print};

fn main() -> ExitCode {
    finish("message_reader", run())
}

fn run() -> Result<(), Error> {
    // lab:begin message-reader: print the bytes of the message and nothing else (P1, P2)
    let [slot, id] = arguments("message_reader SLOT CHANNEL")?;
    let channel = channel(&id)?;
    let slot = Slot::open(Path::new(&slot), OpenOptions::new().read(true))?;
    slot.choose(channel)?;
    print(&slot.read()?)
    // lab:end stub: Err(Error::Usage("message_reader is not written yet"))
}
