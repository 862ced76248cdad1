// SPDX-License-Identifier: MIT OR Apache-2.0
//! One publisher, two subscribers: the user's side of the module `nl_pubsub`.
//!
//! The publisher sends each line of its stdin. A subscriber prints each message as one line. If it
//! was too slow, it prints the number of missed messages on stderr.

use std::{io::Write, os::fd::AsFd, process::ExitCode};

use clap::{Parser, ValueEnum};
use nix::errno::Errno;
use part2_netlink::{
    Error,
    connection::{Connection, Event},
    finish,
    input::{Lines, Next},
    print_line,
    ready::Stop,
};
use protocol::{
    netlink::BODY_MAX,
    pubsub::{DATA, REQUEST, Request},
};

/// Send lines to two subscribers through the kernel, or be one of them.
///
/// Needs the module nl_pubsub. Ends at the end of its input, on SIGINT and on SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The role; without it the program asks.
    role: Option<Role>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Read lines from stdin and publish each.
    Publisher,
    /// Print each message that the publisher sends.
    Subscriber,
}

fn main() -> ExitCode {
    let Arguments { role } = Arguments::parse();
    finish("pubsub", run(role))
}

fn run(role: Option<Role>) -> Result<(), Error> {
    let stop = Stop::on_signal()?;
    let mut lines = Lines::default();
    let role = match role {
        Some(role) => role,
        None => match ask(&mut lines, &stop)? {
            Some(role) => role,
            None => return Ok(()),
        },
    };
    let connection = Connection::open()?;
    match role {
        Role::Publisher => publish(connection, lines, &stop),
        Role::Subscriber => subscribe(connection, &stop),
    }
}

/// Ask for the role; `None` if a signal came first.
fn ask(lines: &mut Lines, stop: &Stop) -> Result<Option<Role>, Error> {
    let mut stdout = std::io::stdout();
    stdout
        .write_all(b"Are you operating as a [p]ublisher or a [s]ubscriber: ")
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::io("write", &error))?;
    let found = match lines.next(&[stop.as_fd()], BODY_MAX)? {
        Next::Other(_) => return Ok(None),
        Next::End => "the end of input".to_owned(),
        Next::Line(line) => match line.first() {
            Some(b'p') => return Ok(Some(Role::Publisher)),
            Some(b's') => return Ok(Some(Role::Subscriber)),
            _ => format!("\"{}\"", line.escape_ascii()),
        },
    };
    Err(Error::Usage(format!("expected p or s, found {found}")))
}

fn publish(mut connection: Connection, mut lines: Lines, stop: &Stop) -> Result<(), Error> {
    // lab:begin pubsub-publisher: take the place, then publish line by line (B4, N11)
    // At once, so that a second publisher is refused before it reads a line.
    connection.request("claim", REQUEST, &Request::Claim.payload())?;
    while let Next::Line(line) = lines.next(&[stop.as_fd()], BODY_MAX)? {
        if line.len() > BODY_MAX {
            return Err(Error::Call {
                call: "publish",
                errno: Errno::EMSGSIZE,
                hint: format!("a line has at most {BODY_MAX} bytes"),
            });
        }
        connection.request("publish", REQUEST, &Request::Publish(&line).payload())?;
    }
    Ok(())
    // lab:end stub: Err(Error::call("publish", Errno::ENOSYS))
}

fn subscribe(mut connection: Connection, stop: &Stop) -> Result<(), Error> {
    // lab:begin pubsub-subscriber: print each message, report how many were lost (B4, N6, N11)
    connection.request("subscribe", REQUEST, &Request::Subscribe.payload())?;
    let mut expected = 1_u32;
    while let Some(event) = connection.event(stop)? {
        let Event::Data { header, payload } = event else {
            continue;
        };
        if header.kind != DATA {
            continue;
        }
        let lost = header.seq.wrapping_sub(expected);
        if lost != 0 {
            eprintln!("pubsub: {lost} messages were lost");
        }
        expected = header.seq.wrapping_add(1);
        print_line(&payload)?;
    }
    Ok(())
    // lab:end stub: Err(Error::call("subscribe", Errno::ENOSYS))
}
/* save 0 */
/* save 1 */
/* save 2 */
/* save 3 */
/* save 4 */
/* save 5 */
/* save 6 */
/* save 7 */
/* save 8 */
/* save 9 */
/* save 10 */
/* save 11 */
/* save 12 */
