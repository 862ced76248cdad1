// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares the datagrams of the router's sockets with the queues of the model.

use lab_agent::{Answer, CallResult};
use lab_scene::{
    actor::{returned, shown},
    readable,
};
use nix::errno::Errno;
use protocol::{
    model::{Allowed, router::Incoming},
    netlink::{Message, NLMSG_DONE, PortId, messages},
    router::{DATA, Data, MEMBER, Member, Report, Roles},
};

use crate::play::{Mismatch, one_of};

/// Compare one datagram with the head of the queue; `None` is no datagram.
pub(crate) fn judge(next: Option<Incoming>, observed: &CallResult) -> Result<(), Mismatch> {
    let data = match observed {
        Ok(Answer::Datagram {
            data,
            from: Some(0),
            truncated: false,
        }) => Some(&data.0[..]),
        _ => None,
    };
    let message = data.and_then(only_message);
    let same = match (&next, &message) {
        (None, _) => returned(observed) == Err(Errno::ETIMEDOUT),
        (Some(Incoming::Ack { seq, result }), Some(message)) => {
            seq.is_none_or(|seq| seq == message.header.seq) && is_ack(result, message)
        }
        (Some(Incoming::Data { seq, sender, body }), Some(message)) => {
            let data = Data {
                sender: *sender,
                body,
            };
            let header = message.header;
            header.kind == DATA
                && header.seq == *seq
                && header.portid == PortId::KERNEL
                && Data::decode(message.payload) == Ok(data)
        }
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Mismatch {
        expected: next.map_or_else(|| "nothing".to_owned(), |next| in_words(&next)),
        got: match (message, observed) {
            (Some(message), _) => message_in_words(&message),
            (None, Ok(Answer::Datagram { data, .. })) => {
                format!("a datagram: {}", readable(&data.0))
            }
            (None, observed) => match returned(observed) {
                Err(Errno::ETIMEDOUT) => "nothing".to_owned(),
                other => shown(other),
            },
        },
    })
}

fn only_message(data: &[u8]) -> Option<Message<'_>> {
    let mut found = messages(data);
    match (found.next(), found.next()) {
        (Some(Ok(message)), None) => Some(message),
        _ => None,
    }
}

/// An acknowledgement with one of these errors and a reason in words, or of success with the
/// report.
fn is_ack(result: &Allowed<Option<Report>>, message: &Message<'_>) -> bool {
    let Ok(Some(ack)) = message.ack() else {
        return false;
    };
    match result {
        Ok(report) => ack.errno == 0 && message.ack_cookie().and_then(Report::decode) == *report,
        Err(errnos) => {
            let told = errnos.iter().any(|&errno| errno as i32 == ack.errno);
            told && ack.text.is_some_and(|text| !text.is_empty())
        }
    }
}

fn in_words(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Ack { seq, result } => {
            let to = seq.map_or_else(String::new, |seq| format!(" to request {seq}"));
            match result {
                Ok(report) => format!("an answer{to}: ok{}", report_in_words(*report)),
                Err(errnos) => format!("an answer{to}: {} and a reason", one_of(errnos)),
            }
        }
        Incoming::Data { seq, sender, body } => data_in_words(
            *seq,
            &Data {
                sender: *sender,
                body,
            },
        ),
        Incoming::List(members) => format!("a list of {} members", members.len()),
    }
}

fn report_in_words(report: Option<Report>) -> String {
    report.map_or_else(String::new, |report| {
        format!(
            ", {} delivered, {} dropped",
            report.delivered, report.dropped
        )
    })
}

fn data_in_words(seq: u32, data: &Data<'_>) -> String {
    let (sender, len) = (data.sender, data.body.len());
    let body = readable(&data.body[..len.min(16)]);
    format!("message {seq} from portid {sender}, {len} bytes: {body}")
}

fn message_in_words(message: &Message<'_>) -> String {
    let header = message.header;
    if let Ok(Some(ack)) = message.ack() {
        let seq = header.seq;
        let text = ack.text.unwrap_or_default();
        return match ack.errno {
            0 => {
                let report = message.ack_cookie().and_then(Report::decode);
                format!("an answer to request {seq}: ok{}", report_in_words(report))
            }
            errno => format!(
                "an answer to request {seq}: {:?} ({text})",
                Errno::from_raw(errno)
            ),
        };
    }
    match Data::decode(message.payload) {
        Ok(data) if header.kind == DATA => data_in_words(header.seq, &data),
        _ => format!("type {:#x}: {}", header.kind, readable(message.payload)),
    }
}

/// Compare a list, in one or more datagrams, with the model's members: in any order, and ended by
/// `NLMSG_DONE`.
pub(crate) fn judge_list(
    members: &[Member],
    received: &[CallResult],
    pids: [u32; 2],
) -> Result<(), Mismatch> {
    let mut expected: Vec<_> = members
        .iter()
        .map(|member| Member {
            pid: pids[member.pid as usize % pids.len()],
            ..*member
        })
        .map(|member| member_in_words(&member))
        .collect();
    expected.sort_unstable();
    expected.push("the end".to_owned());
    let mut got = Vec::new();
    for observed in received {
        let Ok(Answer::Datagram { data, .. }) = observed else {
            if returned(observed) != Err(Errno::ETIMEDOUT) {
                got.push(shown(returned(observed)));
            }
            continue;
        };
        for message in messages(&data.0) {
            let said = match message {
                Ok(message) if message.header.kind == NLMSG_DONE => {
                    got.sort_unstable();
                    "the end".to_owned()
                }
                Ok(message) if message.header.kind == MEMBER => Member::decode(message.payload)
                    .map_or_else(|error| error.to_string(), |member| member_in_words(&member)),
                Ok(message) => message_in_words(&message),
                Err(error) => error.to_string(),
            };
            got.push(said);
        }
    }
    if got == expected {
        return Ok(());
    }
    Err(Mismatch {
        expected: expected.join("; "),
        got: got.join("; "),
    })
}

fn member_in_words(member: &Member) -> String {
    let role = match member.role {
        Roles::PUBLISHER => "publisher".to_owned(),
        Roles::SUBSCRIBER => "subscriber".to_owned(),
        Roles(other) => format!("role {other:#x}"),
    };
    let from = member
        .from
        .map_or_else(String::new, |from| format!(" of portid {from}"));
    format!(
        "{role}{from} portid {} pid {} delivered {} dropped {}",
        member.portid, member.pid, member.delivered, member.dropped
    )
}
