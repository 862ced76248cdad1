// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operations on the router: a few sockets of two processes, at few addresses, so that sockets
//! reuse addresses; valid and invalid requests.

use std::fmt;

use lab_agent::{Bytes, Call, CallResult};
use lab_scene::{Outcome, Scene};
use nix::libc;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Union},
};
use proptest_state_machine::ReferenceStateMachine;
use protocol::{
    model::{
        Handle,
        router::{Incoming, Router as Model},
    },
    netlink::{PROTO, PortId},
    router::Roles,
};

use crate::{
    incoming,
    play::{Actor, Descriptors, Mismatch, Subject, USERS, judge_returned, killing, write_kill},
    requests::{Damage, Frame, any_damage, any_frame, encode, list},
};

/// The most sockets that a process has open.
const SOCKETS: u8 = 3;

/// The most messages that wait at a socket, so few that no queue is full. A queue has 212992 bytes
/// (`rmem_default`), and the largest message takes about 2500.
const WAITING: usize = 24;

pub(crate) struct Router;

/// The model, and the source of operations.
#[derive(Clone, Debug)]
pub(crate) struct State {
    model: Model,
    sockets: Descriptors,
    /// The process of the last call. Usually it makes the next one, too.
    last: u8,
    portids: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Kill(u8),
    Call(Handle, What),
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// socket(2) and bind(2).
    Open(u32),
    Close,
    /// To the kernel.
    Send(Vec<Frame>, Option<Damage>),
    /// To another socket.
    SendTo(u32),
    Receive,
    /// Ask for the list and read it.
    List,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (socket, what) = match self {
            Operation::Kill(process) => return write_kill(f, *process),
            Operation::Call(socket, what) => (socket, what),
        };
        write!(f, "{socket}: ")?;
        match what {
            What::Open(portid) => write!(f, "open a socket at portid {portid}"),
            What::Close => write!(f, "close"),
            What::Send(frames, damage) => {
                for (at, frame) in frames.iter().enumerate() {
                    let and = if at == 0 { "" } else { "; and " };
                    write!(f, "{and}{frame}")?;
                }
                damage.iter().try_for_each(|damage| write!(f, "; {damage}"))
            }
            What::SendTo(portid) => write!(f, "send to portid {portid}"),
            What::Receive => write!(f, "receive"),
            What::List => write!(f, "list"),
        }
    }
}

/// Addresses that are no pids (those end at 2^22). Some differ in one bit.
fn any_portids() -> impl Strategy<Value = Vec<u32>> {
    (0x50_0000_u32..0x4000_0000, vec(0_u32..22, 2)).prop_map(|(base, bits)| {
        let mut portids = vec![base, base + 1];
        portids.extend(bits.iter().map(|bit| base ^ 1 << bit));
        portids.sort_unstable();
        portids.dedup();
        portids
    })
}

/// Operations of a process with an open socket.
fn any_use(state: &State, socket: Handle) -> Union<BoxedStrategy<What>> {
    let waiting = state.model.waiting(socket) as u32;
    let publisher = state.model.has(socket, Roles::PUBLISHER);
    let frame = || any_frame(&state.portids, publisher);
    let good = frame().prop_map(|frame| What::Send(vec![frame], None));
    let several = vec(frame(), 2..=3).prop_map(|frames| What::Send(frames, None));
    let damaged = (vec(frame(), 1..=2), any_damage())
        .prop_map(|(frames, damage)| What::Send(frames, Some(damage)));
    let mut uses: Vec<(u32, BoxedStrategy<What>)> = vec![
        (1, Just(What::Close).boxed()),
        (20, good.boxed()),
        (2, several.boxed()),
        (3, damaged.boxed()),
        (2 + 4 * waiting, Just(What::Receive).boxed()),
    ];
    if waiting == 0 {
        uses.push((8, Just(What::List).boxed()));
    }
    // Root may send to any socket, and then the module is not involved.
    if USERS[usize::from(socket.process)] != 0 {
        let portid = select(state.portids.clone());
        uses.push((1, portid.prop_map(What::SendTo).boxed()));
    }
    Union::new_weighted(uses)
}

impl ReferenceStateMachine for Router {
    type State = State;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<State> {
        any_portids()
            .prop_map(|portids| State {
                model: Model::default(),
                sockets: Descriptors::default(),
                last: 0,
                portids,
            })
            .no_shrink()
            .boxed()
    }

    fn transitions(state: &State) -> BoxedStrategy<Operation> {
        let mut all = Vec::new();
        for process in 0..USERS.len() as u8 {
            let often = if process == state.last { 20 } else { 1 };
            for name in 1..=SOCKETS {
                let socket = Handle { process, name };
                let (weight, what) = if state.model.is_open(socket) {
                    (8, any_use(state, socket).boxed())
                } else {
                    let portid = select(state.portids.clone());
                    (2, portid.prop_map(What::Open).boxed())
                };
                let call = what.prop_map(move |what| Operation::Call(socket, what));
                all.push((often * weight, call.boxed()));
            }
        }
        // Last, because an operation is simplified by taking an earlier variant.
        all.extend(killing(Operation::Kill));
        Union::new_weighted(all).boxed()
    }

    fn preconditions(state: &State, operation: &Operation) -> bool {
        let Operation::Call(socket, what) = operation else {
            return true;
        };
        let open = state.model.is_open(*socket);
        match what {
            What::Open(_) => !open,
            What::Send(frames, _) => open && state.model.longest() + frames.len() <= WAITING,
            What::List => open && state.model.waiting(*socket) == 0,
            What::Close | What::SendTo(_) | What::Receive => open,
        }
    }

    fn apply(mut state: State, operation: &Operation) -> State {
        let (socket, what) = match operation {
            Operation::Kill(process) => {
                state.model.end(*process);
                state.sockets.end(*process);
                return state;
            }
            Operation::Call(socket, what) => (*socket, what),
        };
        state.last = socket.process;
        // The answers are compared elsewhere.
        match what {
            What::Open(portid) => {
                if state.model.open(socket, PortId(*portid)).is_ok() {
                    state.sockets.open(socket);
                }
            }
            What::Close => {
                let _ = state.model.close(socket);
                state.sockets.close(socket);
            }
            What::Send(frames, damage) => {
                let _ = state.model.send(socket, &encode(frames, damage.as_ref()));
            }
            What::Receive => drop(state.model.receive(socket)),
            What::SendTo(_) | What::List => {}
        }
        state
    }
}

impl Subject for Router {
    const MODULE: &'static str = "nl_router";
    const ID: &'static str = "fuzz/nl_router";

    fn prepare(_: &mut Scene<'_>, _: &State) -> Outcome {
        Ok(())
    }

    fn actor(operation: &Operation) -> Actor {
        match operation {
            Operation::Kill(process) => Actor::Killed(*process),
            Operation::Call(socket, _) => Actor::Calls(socket.process),
        }
    }

    fn calls(state: &State, operation: &Operation) -> Vec<Call> {
        let Operation::Call(socket, what) = operation else {
            return Vec::new();
        };
        let fd = state.sockets.of(*socket);
        let send = |portid, data| Call::Send {
            fd,
            portid,
            data: Bytes(data),
        };
        let receive = Call::Receive { fd, timeout_ms: 0 };
        match what {
            What::Open(portid) => opening(state, *socket, *portid),
            What::Close => vec![Call::Close { fd }],
            What::Send(frames, damage) => vec![send(0, encode(frames, damage.as_ref()))],
            What::SendTo(portid) => vec![send(*portid, list())],
            What::Receive => vec![receive],
            // In one or two parts; the end may come as a datagram of its own.
            What::List => vec![send(0, list()), receive.clone(), receive.clone(), receive],
        }
    }

    fn judge(
        state: &State,
        operation: &Operation,
        observed: &[CallResult],
        pids: [u32; 2],
    ) -> Result<(), Mismatch> {
        let Operation::Call(socket, what) = operation else {
            return Ok(());
        };
        let mut model = state.model.clone();
        let sent = |data: Vec<u8>| Ok(data.len() as i64);
        match (what, observed) {
            (What::Open(portid), [opened, bound, ..]) => {
                let fd = state.sockets.next(socket.process);
                judge_returned(&Ok(fd.into()), opened)?;
                let allowed = model.open(*socket, PortId(*portid)).map(|()| 0);
                judge_returned(&allowed, bound)
            }
            (What::Close, [closed]) => judge_returned(&model.close(*socket).map(|()| 0), closed),
            (What::Send(frames, damage), [observed]) => {
                judge_returned(&sent(encode(frames, damage.as_ref())), observed)
            }
            (What::SendTo(_), [observed]) => {
                judge_returned(&model.send_to_another().map(|()| 0), observed)
            }
            (What::Receive, [observed]) => incoming::judge(model.receive(*socket), observed),
            (What::List, [observed, received @ ..]) => {
                judge_returned(&sent(list()), observed)?;
                let _ = model.send(*socket, &list());
                match model.receive(*socket) {
                    Some(Incoming::List(members)) => incoming::judge_list(&members, received, pids),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// The calls that open a socket. If its address is occupied, it is closed again.
fn opening(state: &State, socket: Handle, portid: u32) -> Vec<Call> {
    let fd = state.sockets.next(socket.process);
    let mut calls = vec![
        Call::Socket {
            protocol: PROTO as i32,
        },
        Call::Bind {
            fd,
            portid,
            groups: 0,
        },
    ];
    if state.model.clone().open(socket, PortId(portid)).is_err() {
        calls.push(Call::Close { fd });
        return calls;
    }
    calls.extend(
        [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK].map(|option| Call::SetOption {
            fd,
            level: libc::SOL_NETLINK,
            option,
            value: 1,
        }),
    );
    calls
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::model::Errno;

    use super::*;

    #[test]
    fn every_answer_of_the_contract_is_drawn() {
        let mut errnos = BTreeSet::new();
        let (mut data, mut lists) = (0, 0);
        for (mut state, operations) in crate::compare::tests::draw::<Router>(1, 30) {
            for operation in operations {
                let mut model = state.model.clone();
                match &operation {
                    Operation::Call(socket, What::Open(portid)) => {
                        errnos.extend(
                            model
                                .open(*socket, PortId(*portid))
                                .err()
                                .into_iter()
                                .flatten(),
                        );
                    }
                    Operation::Call(socket, What::Receive) => match model.receive(*socket) {
                        Some(Incoming::Ack { result, .. }) => {
                            errnos.extend(result.err().into_iter().flatten());
                        }
                        Some(Incoming::Data { .. }) => data += 1,
                        _ => {}
                    },
                    Operation::Call(_, What::List) => lists += 1,
                    _ => {}
                }
                state = Router::apply(state, &operation);
            }
        }
        use Errno::{EADDRINUSE, EALREADY, EINVAL, EMSGSIZE, ENOENT, EOPNOTSUPP, EPERM, ERANGE};
        let expected = [
            EPERM, ENOENT, EINVAL, ERANGE, EMSGSIZE, EOPNOTSUPP, EADDRINUSE, EALREADY,
        ];
        assert_eq!(errnos.into_iter().collect::<Vec<_>>(), expected);
        assert!(data > 100 && lists > 100, "{data} {lists}");
    }
}
