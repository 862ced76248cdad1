// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where an answer went that a peer waits for in vain, as far as the kernel shows it: in
//! `/proc/net/netlink`. No verdict depends on it.

use std::time::Duration;

use lab_agent::{Answer, Op};
use protocol::netlink::PROTO;

use crate::scene::Scene;

/// How long the machine may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// A socket of protocol 31.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    portid: u64,
    /// Bytes that wait in its queue.
    queued: u64,
    /// Messages that its queue had no room for.
    dropped: u64,
}

impl Scene<'_> {
    /// What the sockets of the protocol show about an answer that did not come, as one line; empty
    /// if there is no such socket.
    pub(crate) fn silence(&mut self) -> String {
        let limit = self.machine.scaled(LIMIT);
        let op = Op::Read {
            path: "/proc/net/netlink".into(),
        };
        let answer = self
            .machine
            .beyond_limit(|machine| machine.order_within(limit, "looking at sockets", op));
        let Ok(Ok(Answer::Data(table))) = answer else {
            return String::new();
        };
        let sockets = sockets(&String::from_utf8_lossy(&table.0));
        if sockets.iter().all(|socket| socket.portid == 0) {
            return String::new();
        }
        let name = |socket: &Socket| {
            let name = self.transcript.names.get(&socket.portid);
            name.map_or("another socket", String::as_str)
        };
        if let Some(socket) = sockets.iter().find(|socket| socket.queued > 0) {
            return format!("\na message waits at {}", name(socket));
        }
        if let Some(socket) = sockets.iter().find(|socket| socket.dropped > 0) {
            return format!(
                "\nthe queue of {} was full, and lost messages",
                name(socket)
            );
        }
        "\nno message waits at any socket: your module sent none, or sent it to a portid that no \
         socket has, such as 0"
            .to_owned()
    }
}

/// The sockets of protocol 31. The columns are: address, protocol, portid, groups, received bytes,
/// sent bytes, dump, references, drops, inode.
fn sockets(table: &str) -> Vec<Socket> {
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| columns.get(at)?.parse().ok();
        (number(1)? == u64::from(PROTO)).then_some(Socket {
            portid: number(2)?,
            queued: number(4)?,
            dropped: number(8)?,
        })
    };
    table.lines().filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_other_protocols_are_left_out() {
        let table = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
             0000000000000000 15  1          00000001 0        0        0     2        0        21\n\
             0000000000000000 31  2151694790 00000000 768      0        0     2        3        812\n\
             0000000000000000 31  0          00000000 0        0        0     2        0        801\n";
        let [first, kernel] = &sockets(table)[..] else {
            panic!("{:?}", sockets(table));
        };
        let expected = Socket {
            portid: 2_151_694_790,
            queued: 768,
            dropped: 3,
        };
        assert_eq!(*first, expected);
        assert_eq!(kernel.portid, 0);
    }
}
