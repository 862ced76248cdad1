// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message sent and received in one thread: through a slot, a pipe, a POSIX message queue and a
//! pair of datagram sockets.

use std::os::fd::AsRawFd;

use anyhow::{Context, ensure};
use lab_bench::{Sample, Test, Way};
use nix::{
    fcntl::OFlag,
    mqueue::{MQ_OFlag, MqAttr, mq_open, mq_receive, mq_send, mq_unlink},
    sys::{
        socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair},
        stat::Mode,
    },
    unistd::{pipe2, read, write},
};
use protocol::slot::MESSAGE_MAX;

use crate::{clock::timed, slot::Slots, work::Work};

/// The shorter and the longest message, in bytes.
const SIZES: [usize; 2] = [16, MESSAGE_MAX];

/// Send a message and receive it into a buffer. Returns the number of received bytes.
type Exchange = Box<dyn FnMut(&[u8], &mut [u8]) -> anyhow::Result<usize>>;

pub(crate) fn run(work: &Work, slots: &mut Slots, samples: &mut Vec<Sample>) -> anyhow::Result<()> {
    let mut ways = [
        (Way::Slot, slot(slots)?),
        (Way::Pipe, a_pipe()?),
        (Way::Mqueue, queue()?),
        (Way::Unix, sockets()?),
    ];
    for size in SIZES {
        let message: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
        for _ in 0..work.rounds {
            for (way, exchange) in &mut ways {
                let mut buffer = [0; MESSAGE_MAX];
                let elapsed = timed(|| {
                    for _ in 0..work.messages {
                        let len = exchange(&message, &mut buffer)?;
                        ensure!(len == size, "{way:?}: expected {size} bytes, found {len}");
                    }
                    Ok(())
                })?;
                ensure!(buffer[..size] == message, "{way:?}: other bytes came");
                samples.push(Sample {
                    test: Test::Message,
                    way: *way,
                    size: size as u64,
                    operations: work.messages,
                    spent: elapsed.into(),
                });
            }
        }
    }
    Ok(())
}

fn slot(slots: &mut Slots) -> anyhow::Result<Exchange> {
    let slot = slots.open()?;
    slot.choose(1)?;
    Ok(Box::new(move |message, buffer| {
        slot.write(message)?;
        slot.read(buffer)
    }))
}

fn a_pipe() -> anyhow::Result<Exchange> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    Ok(Box::new(move |message, buffer| {
        write(&writer, message).context("write to a pipe")?;
        // All of it, because a pipe has no messages.
        read(&reader, &mut buffer[..message.len()]).context("read from a pipe")
    }))
}

fn queue() -> anyhow::Result<Exchange> {
    const NAME: &str = "/lab-bench";
    let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
    let attributes = MqAttr::new(0, 1, MESSAGE_MAX as i64, 0);
    let queue = mq_open(
        NAME,
        flags,
        Mode::S_IRUSR | Mode::S_IWUSR,
        Some(&attributes),
    )
    .context("mq_open")?;
    mq_unlink(NAME).context("mq_unlink")?;
    Ok(Box::new(move |message, buffer| {
        mq_send(&queue, message, 0).context("mq_send")?;
        mq_receive(&queue, buffer, &mut 0).context("mq_receive")
    }))
}

fn sockets() -> anyhow::Result<Exchange> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::Datagram, None, flags).context("socketpair")?;
    Ok(Box::new(move |message, buffer| {
        send(ours.as_raw_fd(), message, MsgFlags::empty()).context("send")?;
        recv(theirs.as_raw_fd(), buffer, MsgFlags::empty()).context("recv")
    }))
}
