// SPDX-License-Identifier: MIT OR Apache-2.0
//! Publisher, subscriber or both, among any number of others: the user's side of the module
//! `nl_router`.
//!
//! One thread publishes each line of stdin. The other prints each message as one line, after the
//! portid of its sender. If it was too slow, it prints the number of missed messages on stderr.

use std::{io::Write, os::fd::AsFd, process::ExitCode};

use clap::{Parser, ValueEnum};
use nix::errno::Errno;
use part3_lists::{
    Error, Socket, finish,
    input::{Lines, Next},
    list::members,
    ready::Stop,
    sender::{Outcome, Sender},
};
use protocol::{
    netlink::{BODY_MAX, PortId},
    router::{Report, Request, Roles},
};

/// Publish lines through the kernel, print what others publish, or both.
///
/// Needs the module nl_router. Ends at the end of its input, after it has printed all received
/// messages, and on SIGINT and SIGTERM. The module refuses lines that are typed into a mere
/// subscriber.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The role; without it the program asks.
    #[arg(long)]
    role: Option<Role>,
    /// Print messages of this publisher only.
    #[arg(long, value_name = "PORTID", value_parser = clap::value_parser!(u32).range(1..))]
    from: Option<u32>,
    /// Print the members, and end.
    #[arg(long, conflicts_with_all = ["role", "from"])]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Publish each line of stdin.
    Publisher,
    /// Print each message.
    Subscriber,
    /// Do both. The program does not get its own messages.
    Both,
}

impl Role {
    fn roles(self) -> Roles {
        match self {
            Role::Publisher => Roles::PUBLISHER,
            Role::Subscriber => Roles::SUBSCRIBER,
            Role::Both => Roles::BOTH,
        }
    }
}

fn main() -> ExitCode {
    finish("router-client", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let stop = Stop::on_signal()?;
    if arguments.list {
        return list(&Socket::open()?, &stop);
    }
    let mut lines = Lines::default();
    let role = match arguments.role {
        Some(role) => role,
        None => match ask(&mut lines, &stop)? {
            Some(role) => role,
            None => return Ok(()),
        },
    };
    let socket = Socket::open()?;
    let as_what = match role {
        Role::Publisher => "publisher",
        Role::Subscriber => "subscriber",
        Role::Both => "publisher and subscriber",
    };
    // Before the other thread prints.
    print(&format!(
        "portid {} registers as {as_what}\n",
        socket.portid()?
    ))?;
    let mut sender = Sender::start(socket)?;
    let from = arguments.from.map(PortId);
    match converse(&mut sender, role.roles(), from, lines, &stop)? {
        End::Printed => sender.join(),
        End::Stopped => Ok(()),
    }
}

/// Ask for the role; `None` if a signal came first.
fn ask(lines: &mut Lines, stop: &Stop) -> Result<Option<Role>, Error> {
    print("Are you operating as a [p]ublisher, a [s]ubscriber or [b]oth: ")?;
    let found = match lines.next(&[stop.as_fd()], BODY_MAX)? {
        Next::Other(_) => return Ok(None),
        Next::End => "the end of input".to_owned(),
        Next::Line(line) => match line.first() {
            Some(b'p') => return Ok(Some(Role::Publisher)),
            Some(b's') => return Ok(Some(Role::Subscriber)),
            Some(b'b') => return Ok(Some(Role::Both)),
            _ => format!("\"{}\"", line.escape_ascii()),
        },
    };
    Err(Error::Usage(format!("expected p, s or b, found {found}")))
}

/// The way in which a session ends.
enum End {
    /// The other thread has printed everything, or has failed.
    Printed,
    /// A signal. It does not wait for the other thread, which may be blocked in a write.
    Stopped,
}

/// Register and publish line by line. After the last line, wait until all received messages are
/// printed.
fn converse(
    sender: &mut Sender,
    roles: Roles,
    from: Option<PortId>,
    mut lines: Lines,
    stop: &Stop,
) -> Result<End, Error> {
    // lab:begin client-converse: register, publish each line, drain received messages (L4, N11)
    let register = Request::Register { roles, from };
    if let Some(end) = request(sender, "register", &register, stop)? {
        return Ok(end);
    }
    loop {
        let line = match lines.next(&[stop.as_fd(), sender.bell()], BODY_MAX)? {
            Next::Line(line) => line,
            Next::End => break,
            Next::Other(0) => return Ok(End::Stopped),
            Next::Other(_) => match sender.note()? {
                Some(_) => continue,
                None => return Ok(End::Printed),
            },
        };
        if line.len() > BODY_MAX {
            return Err(Error::Call {
                call: "publish",
                errno: Errno::EMSGSIZE,
                hint: format!("a line has at most {BODY_MAX} bytes"),
            });
        }
        if let Some(end) = request(sender, "publish", &Request::Publish(&line), stop)? {
            return Ok(end);
        }
    }
    // After this answer no message arrives, and all earlier ones have been printed.
    let end = request(sender, "unregister", &Request::Unregister(roles), stop)?;
    Ok(end.unwrap_or(End::Printed))
    // lab:end stub: Err(Error::call("converse", Errno::ENOSYS))
}

/// Send a request and print its answer if there is a message; `Some` if the session ends.
fn request(
    sender: &mut Sender,
    name: &'static str,
    request: &Request<'_>,
    stop: &Stop,
) -> Result<Option<End>, Error> {
    match sender.request(name, request, stop)? {
        Outcome::Stopped => return Ok(Some(End::Stopped)),
        Outcome::Ended => return Ok(Some(End::Printed)),
        Outcome::Unknown => eprintln!("router-client: {name}: the answer was lost"),
        Outcome::Done(Report { dropped: 0, .. }) => {}
        Outcome::Done(Report { delivered, dropped }) => {
            let all = u64::from(delivered) + u64::from(dropped);
            eprintln!("router-client: {dropped} of {all} subscribers had no room");
        }
    }
    Ok(None)
}

fn list(socket: &Socket, stop: &Stop) -> Result<(), Error> {
    for member in members(socket, stop)?.unwrap_or_default() {
        let from = member
            .from
            .map_or_else(String::new, |portid| format!(" from portid {portid}"));
        let role = match member.role {
            Roles::PUBLISHER => "publisher",
            _ => "subscriber",
        };
        print(&format!(
            "{role} portid {} (pid {}){from}: {} delivered, {} dropped\n",
            member.portid, member.pid, member.delivered, member.dropped
        ))?;
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::io("write", &error))
}
