// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process that makes the system calls of its orders, one line in, one line out.

use std::{
    io::{BufRead, IoSliceMut, Read, Write},
    ops::Range,
    os::fd::{BorrowedFd, IntoRawFd, RawFd},
    process::ExitCode,
    time::{Duration, Instant},
};

use lab_agent::{Answer, Bytes, Call, CallResult, Kin, Refusal};
use nix::{
    errno::Errno,
    fcntl::{self, OFlag},
    libc,
    sched::{CloneFlags, unshare},
    sys::{
        socket::{self, MsgFlags, NetlinkAddr},
        stat::Mode,
        wait::waitpid,
    },
    unistd::{self, ForkResult, Gid, Uid, setgroups, setresgid, setresuid},
};

use crate::{faults, kernel, memory, passing};

/// The longest datagram that is received completely, in bytes.
const RECEIVE_MAX: usize = 65536;

pub(crate) fn run() -> ExitCode {
    let mut stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let Ok(call) = line
            .map_err(drop)
            .and_then(|line| serde_json::from_str(&line).map_err(drop))
        else {
            eprintln!("actor: expected a call on stdin, found another line");
            return ExitCode::FAILURE;
        };
        let Ok(mut answer) = serde_json::to_vec(&make(call)) else {
            return ExitCode::FAILURE;
        };
        answer.push(b'\n');
        if stdout
            .write_all(&answer)
            .and_then(|()| stdout.flush())
            .is_err()
        {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn batch(rounds: u64, persist: bool, calls: &[Call]) -> Answer {
    let mut outcomes = Vec::new();
    for done in 0..rounds {
        outcomes.clear();
        for call in calls {
            let outcome = make(call.clone());
            let failed = match &outcome {
                Ok(Answer::Filled { returned, .. }) => returned.is_err(),
                outcome => outcome.is_err(),
            };
            outcomes.push(outcome);
            if failed && !persist {
                let rounds = done;
                return Answer::Batch { rounds, outcomes };
            }
        }
    }
    Answer::Batch { rounds, outcomes }
}

fn repeat(times: u64, call: &Call) -> Answer {
    let mut outcomes = Vec::new();
    for _ in 0..times {
        let outcome = make(call.clone());
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
    }
    Answer::Repeated(outcomes)
}

fn make(call: Call) -> CallResult {
    let done = |name: &str, result: nix::Result<()>| {
        result
            .map(|()| Answer::Done)
            .map_err(|errno| Refusal::new(name, errno))
    };
    match call {
        Call::Socket { protocol } => open_netlink(protocol)
            .map(|fd| Answer::Value(fd.into()))
            .map_err(|errno| Refusal::new("socket", errno)),
        Call::Bind { fd, portid, groups } => {
            done("bind", socket::bind(fd, &NetlinkAddr::new(portid, groups)))
        }
        Call::PortId { fd } => socket::getsockname::<NetlinkAddr>(fd)
            .map(|address| Answer::Value(address.pid().into()))
            .map_err(|errno| Refusal::new("getsockname", errno)),
        Call::SetOption {
            fd,
            level,
            option,
            value,
        } => done("setsockopt", set_option(fd, level, option, value)),
        Call::Send { fd, portid, data } => {
            socket::sendto(fd, &data.0, &NetlinkAddr::new(portid, 0), MsgFlags::empty())
                .map(|len| Answer::Value(len as i64))
                .map_err(|errno| Refusal::new("sendto", errno))
        }
        Call::Receive { fd, timeout_ms } => {
            receive(fd, timeout_ms).map_err(|errno| Refusal::new("recvmsg", errno))
        }
        Call::Close { fd } => done("close", nix::unistd::close(fd)),
        Call::Fork { stays } => fork(stays),
        Call::Duplicate { fd } => passing::duplicate(fd),
        Call::Mailbox { name } => passing::mailbox(&name),
        Call::SendFile { fd, to } => passing::send(fd, &to),
        Call::ReceiveFile { mailbox } => passing::receive(mailbox),
        Call::LeaveNetwork => done("unshare", unshare(CloneFlags::CLONE_NEWNET)),
        Call::BecomeUser { uid } => done("setresuid", become_user(uid)),
        Call::Open { path, flags } => {
            let flags = OFlag::from_bits_retain(flags) | OFlag::O_CLOEXEC;
            fcntl::open(path.as_str(), flags, Mode::empty())
                .map(|fd| Answer::Value(fd.into_raw_fd().into()))
                .map_err(|errno| Refusal::new("open", errno))
        }
        Call::Ioctl {
            fd,
            command,
            argument,
        } => ioctl(fd, command, argument)
            .map(|value| Answer::Value(value.into()))
            .map_err(|errno| Refusal::new("ioctl", errno)),
        Call::IoctlAt {
            fd,
            command,
            mut number,
        } => ioctl(fd, command, (&raw mut number).addr() as u64)
            .map(|value| Answer::Value(value.into()))
            .map_err(|errno| Refusal::new("ioctl", errno)),
        Call::ReadFile { fd, memory, len } => memory::read(fd, memory, len),
        Call::WriteFile { fd, memory, data } => memory::write(fd, memory, &data.0),
        Call::FillChannels {
            fd,
            command,
            by_pointer,
            first,
            count,
            limit_ms,
        } => {
            let choose = |id: u32| {
                let mut number = u64::from(id);
                let argument = match by_pointer {
                    true => (&raw mut number).addr() as u64,
                    false => number,
                };
                ioctl(fd, command, argument)
            };
            fill_channels(fd, choose, first..first + count, limit_ms)
        }
        Call::Insert { path, params } => kernel::insert(&path, &params),
        Call::WithFault { nth, call } => faults::with_fault(nth, || make(*call)),
        Call::Batch {
            rounds,
            persist,
            calls,
        } => Ok(batch(rounds, persist, &calls)),
        Call::Repeat { times, call } => Ok(repeat(times, &call)),
    }
}

/// nix knows netlink families by name only, so a number goes through libc.
fn open_netlink(protocol: i32) -> nix::Result<RawFd> {
    // SAFETY: socket(2) takes three integers and no pointer.
    let fd = unsafe {
        libc::socket(
            libc::AF_NETLINK,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            protocol,
        )
    };
    Errno::result(fd)
}

fn become_user(uid: u32) -> nix::Result<()> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)
}

/// The process that continues waits until the other has ended. Then all of the other's descriptors
/// are closed.
fn fork(stays: Kin) -> CallResult {
    let (mut life, alive) = std::io::pipe().map_err(|error| Refusal::io("pipe", &error))?;
    // SAFETY: there is only this thread, so the child may do everything that the parent could.
    let forked = unsafe { unistd::fork() }.map_err(|errno| Refusal::new("fork", errno))?;
    let kin = match forked {
        ForkResult::Parent { .. } => Kin::Parent,
        ForkResult::Child => Kin::Child,
    };
    if kin != stays {
        // SAFETY: ends the process without the work of exit(3). Buffered input and output belong to
        // the other process.
        unsafe { libc::_exit(0) };
    }
    drop(alive);
    // The pipe ends when no process has its other end open.
    life.read_to_end(&mut Vec::new())
        .map_err(|error| Refusal::io("read", &error))?;
    if let ForkResult::Parent { child } = forked {
        waitpid(child, None).map_err(|errno| Refusal::new("waitpid", errno))?;
    }
    Ok(Answer::Done)
}

fn fill_channels(
    fd: RawFd,
    choose: impl Fn(u32) -> nix::Result<i32>,
    ids: Range<u32>,
    limit_ms: u64,
) -> CallResult {
    let end = Instant::now() + Duration::from_millis(limit_ms);
    // SAFETY: the descriptor is only looked up during the call; one that is not open is EBADF.
    let file = unsafe { BorrowedFd::borrow_raw(fd) };
    let first = ids.start;
    for id in ids.clone() {
        if id % 64 == 0 && Instant::now() >= end {
            return Ok(Answer::Value((id - first).into()));
        }
        choose(id).map_err(|errno| Refusal::new("ioctl", errno))?;
        unistd::write(file, b"x").map_err(|errno| Refusal::new("write", errno))?;
    }
    Ok(Answer::Value(ids.len() as i64))
}

fn ioctl(fd: RawFd, command: u32, argument: u64) -> nix::Result<i32> {
    // SAFETY: depends on the argument, because the kernel may write to it if it takes it for a
    // pointer. Scenarios pass small numbers, where nothing is mapped, or numbers for a device that
    // takes no pointer, or the address of eight bytes that are meant for it.
    let result = unsafe { libc::ioctl(fd, libc::Ioctl::from(command), argument) };
    Errno::result(result)
}

fn set_option(fd: RawFd, level: i32, option: i32, value: i32) -> nix::Result<()> {
    // SAFETY: the option's value is the local `value`, and its size is passed.
    let result = unsafe {
        libc::setsockopt(
            fd,
            level,
            option,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    Errno::result(result).map(drop)
}

fn receive(fd: RawFd, timeout_ms: u64) -> nix::Result<Answer> {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let timeout = i32::try_from(timeout_ms).unwrap_or(i32::MAX);
    // SAFETY: one pollfd, which lives across the call.
    let ready = Errno::result(unsafe { libc::poll(&raw mut poll, 1, timeout) })?;
    if ready == 0 {
        return Err(Errno::ETIMEDOUT);
    }
    let mut buffer = vec![0; RECEIVE_MAX];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let message = socket::recvmsg::<NetlinkAddr>(fd, &mut parts, None, MsgFlags::MSG_DONTWAIT)?;
    let (len, from) = (message.bytes, message.address.map(|address| address.pid()));
    let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
    buffer.truncate(len);
    Ok(Answer::Datagram {
        data: Bytes(buffer),
        from,
        truncated,
    })
}
