// SPDX-License-Identifier: MIT OR Apache-2.0
//! `message_sender SLOT CHANNEL MESSAGE`: write exactly the bytes of MESSAGE to the channel.
//!
//! Arguments are parsed by hand, because clap would exit with status 2.

use std::{fs::OpenOptions, os::unix::ffi::OsStrExt, path::Path, process::ExitCode};

use message_slot::{Error, Slot, arguments, channel, finish};

fn main() -> ExitCode {
    finish("message_sender", run())
}

fn run() -> Result<(), Error> {
    // lab:begin message-sender: send the bytes of MESSAGE and nothing else (S1, S2)
    let [slot, id, message] = arguments("message_sender SLOT CHANNEL MESSAGE")?;
    let channel = channel(&id)?;
    let slot = Slot::open(Path::new(&slot), OpenOptions::new().write(true))?;
    slot.choose(channel)?;
    slot.write(message.as_bytes())
    // lab:end stub: Err(Error::Usage("message_sender is not written yet"))
}
