// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists and changes the table in the module `nl_routes`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nix::errno::Errno;
use part2_netlink::{Error, connection::Connection, finish, print_line};
use protocol::routes::{News, Request};

/// List and change the kernel's table of entries.
///
/// Needs the module nl_routes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print each entry, and its expiry time if it has one.
    List,
    /// Add an entry that does not expire.
    Add {
        /// 1 to 15 bytes.
        name: String,
    },
    /// Delete an entry.
    Del {
        /// Name of the entry.
        name: String,
    },
    /// Set the expiry time of an entry.
    Expire {
        /// Name of the entry.
        name: String,
        /// Milliseconds from now; 0 means never.
        ms: u32,
    },
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    finish("route-ctl", run(&command))
}

fn run(command: &Command) -> Result<(), Error> {
    let mut connection = Connection::open()?;
    let (name, request) = match command {
        Command::List => return list(connection),
        Command::Add { name } => ("add", Request::Add(name)),
        Command::Del { name } => ("del", Request::Delete(name)),
        Command::Expire { name, ms } => ("expire", Request::Expire(name, *ms)),
    };
    connection.request(name, request.kind(), &request.payload())
}

/// Attempts to get a list, if the table changes during the dump.
const ATTEMPTS: usize = 10;

fn list(mut connection: Connection) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let Some(entries) = connection.dump("list", Request::List.kind())? else {
            continue;
        };
        for (header, payload) in entries {
            match News::decode(header.kind, &payload)? {
                Some(News::Entry {
                    name,
                    expire_ms: Some(ms),
                }) => print_line(format!("{name} expires in {ms} ms").as_bytes())?,
                Some(News::Entry { name, .. }) => print_line(name.as_bytes())?,
                _ => {}
            }
        }
        return Ok(());
    }
    Err(Error::Call {
        call: "list",
        errno: Errno::EINTR,
        hint: "the table changes all the time".into(),
    })
}
