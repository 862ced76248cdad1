// SPDX-License-Identifier: MIT OR Apache-2.0
//! One open file under several descriptors, in one process or in two.

use std::{
    io::{IoSlice, IoSliceMut},
    os::fd::{BorrowedFd, IntoRawFd, RawFd},
};

use lab_agent::{Answer, CallResult, Refusal};
use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{
        self, AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
        UnixAddr,
    },
    unistd,
};

fn value(name: &str, fd: nix::Result<RawFd>) -> CallResult {
    fd.map(|fd| Answer::Value(fd.into()))
        .map_err(|errno| Refusal::new(name, errno))
}

pub(crate) fn duplicate(fd: RawFd) -> CallResult {
    // SAFETY: the descriptor is only looked up during the call; one that is not open is EBADF.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    value("dup", unistd::dup(fd).map(IntoRawFd::into_raw_fd))
}

pub(crate) fn mailbox(name: &str) -> CallResult {
    let bound = unix_socket().and_then(|fd| {
        socket::bind(fd, &UnixAddr::new_abstract(name.as_bytes())?)?;
        Ok(fd)
    });
    value("bind", bound)
}

pub(crate) fn send(fd: RawFd, to: &str) -> CallResult {
    let sent = unix_socket().and_then(|from| {
        let address = UnixAddr::new_abstract(to.as_bytes())?;
        let files = [fd];
        let control = [ControlMessage::ScmRights(&files)];
        let data = [IoSlice::new(b"f")];
        let sent = socket::sendmsg(from, &data, &control, MsgFlags::empty(), Some(&address));
        unistd::close(from)?;
        sent.map(drop)
    });
    sent.map(|()| Answer::Done)
        .map_err(|errno| Refusal::new("sendmsg", errno))
}

pub(crate) fn receive(mailbox: RawFd) -> CallResult {
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([RawFd; 1]);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let received = socket::recvmsg::<UnixAddr>(mailbox, &mut data, Some(&mut space), flags)
        .and_then(|message| {
            let file = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmRights(files) => files.first().copied(),
                _ => None,
            });
            file.ok_or(Errno::EBADMSG)
        });
    value("recvmsg", received)
}

fn unix_socket() -> nix::Result<RawFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    socket::socket(AddressFamily::Unix, SockType::Datagram, flags, None).map(IntoRawFd::into_raw_fd)
}
