// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message to many subscribers: through the router, with the kernel's own multicast, and in a
//! loop over `AF_UNIX` datagram sockets.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Context, ensure};
use lab_bench::{Sample, Test, Way};
use nix::{
    errno::Errno,
    libc,
    sys::{
        resource::{Resource, setrlimit},
        socket::{
            AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockType, bind, recv, send, sendto,
            socketpair,
        },
    },
};
use protocol::{
    attributes::ATTRIBUTE_HEADER_LEN,
    netlink::{HEADER_LEN, Header, NLM_F_ACK, NLM_F_REQUEST, PROTO, PortId, messages},
    router::{Request, Roles},
};

use crate::{
    clock::{Elapsed, timed},
    work::Work,
};

/// Bytes that are published.
const BODY: [u8; 64] = [b'x'; 64];

/// Length of a message for subscribers of the router: the sender's portid, then the body.
/// Subscribers of the other ways get as many bytes.
const RECEIVED: usize = HEADER_LEN + 2 * ATTRIBUTE_HEADER_LEN + size_of::<u32>() + BODY.len();

/// Messages that are published before they are read. As many as an `AF_UNIX` socket queues
/// (`net.unix.max_dgram_qlen`).
const BURST: usize = 10;

/// A publisher, and its subscribers' sockets.
struct Fan {
    way: Way,
    publish: Box<dyn Fn() -> anyhow::Result<()>>,
    subscribers: Vec<OwnedFd>,
}

pub(crate) fn run(work: &Work, samples: &mut Vec<Sample>) -> anyhow::Result<()> {
    // Four sockets for each subscriber, and a few more files.
    let files = 4 * work.subscribers.iter().max().unwrap_or(&0) + 64;
    setrlimit(Resource::RLIMIT_NOFILE, files, files).context("setrlimit")?;
    for size in work.subscribers {
        let fans = [router(size)?, broadcast(size)?, unix(size)?];
        let bursts = (work.deliveries / (size * BURST as u64)).max(1);
        for _ in 0..work.rounds {
            for fan in &fans {
                let (mut publishing, mut reading) = (Elapsed::default(), Elapsed::default());
                for _ in 0..bursts {
                    publishing += timed(|| (0..BURST).try_for_each(|_| (fan.publish)()))?;
                    reading += timed(|| fan.read())?;
                }
                let sample = Sample {
                    test: Test::FanOut,
                    way: fan.way,
                    size,
                    operations: bursts * BURST as u64 * size,
                    spent: publishing.into(),
                };
                publishing += reading;
                let with_reading = Sample {
                    test: Test::FanOutRead,
                    spent: publishing.into(),
                    ..sample
                };
                samples.extend([sample, with_reading]);
            }
        }
    }
    Ok(())
}

impl Fan {
    /// Read a burst from each subscriber's socket, which must be complete.
    fn read(&self) -> anyhow::Result<()> {
        let mut buffer = [0; 2 * RECEIVED];
        for subscriber in &self.subscribers {
            for _ in 0..BURST {
                let len = recv(subscriber.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)
                    .with_context(|| format!("{:?}: recv", self.way))?;
                ensure!(
                    len == RECEIVED,
                    "{:?}: expected {RECEIVED} bytes, found {len}",
                    self.way
                );
            }
        }
        Ok(())
    }
}

fn router(size: u64) -> anyhow::Result<Fan> {
    let publisher = register(Roles::PUBLISHER)?;
    let subscribers = (0..size)
        .map(|_| register(Roles::SUBSCRIBER))
        .collect::<anyhow::Result<_>>()?;
    let request = encode(Request::Publish(&BODY), NLM_F_REQUEST);
    Ok(Fan {
        way: Way::Router,
        publish: Box::new(move || {
            send(publisher.as_raw_fd(), &request, MsgFlags::empty()).context("publish")?;
            Ok(())
        }),
        subscribers,
    })
}

/// A registered socket of the router.
fn register(roles: Roles) -> anyhow::Result<OwnedFd> {
    let socket = netlink(PROTO as i32).context("socket; is nl_router inserted?")?;
    let request = encode(
        Request::Register { roles, from: None },
        NLM_F_REQUEST | NLM_F_ACK,
    );
    send(socket.as_raw_fd(), &request, MsgFlags::empty()).context("register")?;
    let mut answer = [0; 1024];
    let len = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT).context("register")?;
    let ack = messages(&answer[..len])
        .next()
        .context("no answer")??
        .ack()?;
    ensure!(
        ack.as_ref().is_some_and(|ack| ack.errno == 0),
        "register: {ack:?}"
    );
    Ok(socket)
}

fn encode(request: Request<'_>, flags: u16) -> Vec<u8> {
    let header = Header {
        kind: request.kind(),
        flags,
        seq: 0,
        portid: PortId(0),
    };
    header.encode(&request.payload())
}

/// The kernel's multicast, without a module.
fn broadcast(size: u64) -> anyhow::Result<Fan> {
    const GROUPS: u32 = 1;
    let publisher = netlink(libc::NETLINK_USERSOCK).context("socket")?;
    let subscribers = (0..size)
        .map(|_| {
            let socket = netlink(libc::NETLINK_USERSOCK).context("socket")?;
            bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS)).context("bind")?;
            Ok(socket)
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Fan {
        way: Way::Broadcast,
        publish: Box::new(move || {
            let group = NetlinkAddr::new(0, GROUPS);
            let message = [b'x'; RECEIVED];
            // After the multicast, the kernel also sends to portid 0, where no socket is.
            match sendto(publisher.as_raw_fd(), &message, &group, MsgFlags::empty()) {
                Ok(_) | Err(Errno::ECONNREFUSED) => Ok(()),
                Err(errno) => Err(errno).context("sendto a group"),
            }
        }),
        subscribers,
    })
}

/// As user space does it: one message for each subscriber, sent one by one.
fn unix(size: u64) -> anyhow::Result<Fan> {
    let (mut publisher, mut subscribers) = (Vec::new(), Vec::new());
    for _ in 0..size {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Datagram, None, flags)
            .context("socketpair")?;
        publisher.push(ours);
        subscribers.push(theirs);
    }
    Ok(Fan {
        way: Way::Unix,
        publish: Box::new(move || {
            publisher.iter().try_for_each(|socket| {
                send(socket.as_raw_fd(), &[b'x'; RECEIVED], MsgFlags::empty()).context("send")?;
                Ok(())
            })
        }),
        subscribers,
    })
}

/// nix knows netlink families by name only, so a number goes through libc.
fn netlink(protocol: i32) -> nix::Result<OwnedFd> {
    // SAFETY: socket(2) takes three integers and no pointer.
    let fd = unsafe {
        libc::socket(
            libc::AF_NETLINK,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            protocol,
        )
    };
    let fd = Errno::result(fd)?;
    // SAFETY: a new descriptor with no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
