// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads with an end of a buffer each. A thread carries out an order at once and reports the
//! result. If the order has to wait, the thread waits.
//!
//! A thread waits for orders in read(2), on a pipe of its own. So an observer can distinguish this
//! from waiting for the buffer.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, PipeWriter, Write},
    process::ExitCode,
    thread,
};

use anyhow::Context;
use nix::unistd::gettid;
use part1_threads::buffer::{Closed, Put, Take};

/// Start the threads, which report their ids, and carry out the orders on stdin until it ends.
/// Threads that still wait then end with the process.
pub(crate) fn serve<P, T>(
    (putter, taker): (P, T),
    producers: usize,
    consumers: usize,
) -> anyhow::Result<ExitCode>
where
    P: Put<u64> + 'static,
    T: Take<u64> + 'static,
{
    let mut threads = HashMap::new();
    for number in 1..=producers {
        let mut end = Some(putter.clone());
        let name = format!("producer {number}");
        let writer = start(&name, move |order| put(&mut end, order))?;
        threads.insert(name, writer);
    }
    for number in 1..=consumers {
        let mut end = Some(taker.clone());
        let name = format!("consumer {number}");
        let writer = start(&name, move |order| take(&mut end, order))?;
        threads.insert(name, writer);
    }
    // A buffer is closed when all ends of one side are closed.
    drop((putter, taker));
    for line in io::stdin().lines() {
        let line = line?;
        let (name, order) = line
            .split_once(": ")
            .with_context(|| format!("expected NAME: ORDER, found {line}"))?;
        let thread = threads
            .get_mut(name)
            .with_context(|| format!("unknown thread {name}"))?;
        writeln!(thread, "{order}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Start a thread that answers orders.
fn start(
    name: &str,
    mut act: impl FnMut(&str) -> Option<String> + Send + 'static,
) -> anyhow::Result<PipeWriter> {
    let (reader, writer) = io::pipe()?;
    let said = name.to_owned();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            println!("{said} is {}", gettid());
            for order in BufReader::new(reader).lines().map_while(Result::ok) {
                let answer = act(&order).unwrap_or_else(|| format!("cannot {order}"));
                println!("{said}: {answer}");
            }
        })?;
    Ok(writer)
}

/// Orders of a producer: `put 7`, `close`, `leave`.
fn put<P: Put<u64>>(end: &mut Option<P>, order: &str) -> Option<String> {
    let putter = end.as_mut()?;
    Some(match order {
        "close" => {
            putter.close();
            "closed".to_owned()
        }
        "leave" => {
            *end = None;
            "left".to_owned()
        }
        _ => match putter.put(order.strip_prefix("put ")?.parse().ok()?) {
            Ok(()) => "put".to_owned(),
            Err(Closed(item)) => format!("{item} is back"),
        },
    })
}

/// Orders of a consumer: `take`, `leave`.
fn take<T: Take<u64>>(end: &mut Option<T>, order: &str) -> Option<String> {
    let taker = end.as_mut()?;
    Some(match order {
        "take" => match taker.take() {
            Some(item) => format!("took {item}"),
            None => "the end".to_owned(),
        },
        "leave" => {
            *end = None;
            "left".to_owned()
        }
        _ => return None,
    })
}
