// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches entries of the table in the module `nl_routes`.
//!
//! If it was too slow, it prints the number of missed events on stderr.

use std::process::ExitCode;

use clap::Parser;
use part2_netlink::{
    Error,
    connection::{Connection, Event},
    finish, print_line,
    ready::Stop,
};
use protocol::routes::{News, Reason, Request};

/// Print a line for each entry that is added or deleted.
///
/// Needs the module nl_routes. Ends on SIGINT and on SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Entries to watch, or all.
    #[arg(required = true)]
    names: Vec<String>,
}

fn main() -> ExitCode {
    let Arguments { names } = Arguments::parse();
    finish("route-watch", run(&names))
}

fn run(names: &[String]) -> Result<(), Error> {
    // lab:begin route-watch: watch, print each event, report how many were lost (E3, N11)
    let stop = Stop::on_signal()?;
    let mut connection = Connection::open()?;
    for name in names {
        let name = (name != "all").then_some(name.as_str());
        let watch = Request::Watch(name);
        connection.request("watch", watch.kind(), &watch.payload())?;
    }
    let mut expected = 1_u32;
    while let Some(event) = connection.event(&stop)? {
        let Event::Data { header, payload } = event else {
            continue;
        };
        let Some(line) = News::decode(header.kind, &payload)?.and_then(line) else {
            continue;
        };
        let lost = header.seq.wrapping_sub(expected);
        if lost != 0 {
            eprintln!("route-watch: {lost} events were lost");
        }
        expected = header.seq.wrapping_add(1);
        print_line(line.as_bytes())?;
    }
    Ok(())
    // lab:end stub: Err(Error::call("run", nix::errno::Errno::ENOSYS))
}

/// An event as text; `None` for an entry of a list.
fn line(news: News<'_>) -> Option<String> {
    match news {
        News::Added(name) => Some(format!("{name} added")),
        News::Deleted(name, Reason::Expired) => Some(format!("{name} deleted (expired)")),
        News::Deleted(name, Reason::Requested) => Some(format!("{name} deleted (requested)")),
        News::Entry { .. } => None,
    }
}
