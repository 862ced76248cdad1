// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios that every netlink module has.

/// The scenarios of one module, its own and those of every module: `MODULE, STAGE, INFIX,
/// ACKNOWLEDGED, PAYLOADS; OWN...`. Ids are `STAGE/CLAUSE-INFIXwhat`. Two of them have other names
/// in some stages.
macro_rules! netlink_scenarios {
    ($module:ty, $stage:literal, $infix:literal, $acknowledged:literal, $payloads:literal;
     $($own:expr,)*) => {
        &[
            $($own,)*
            netlink_scenarios!(@ $module, concat!($stage, "/N1-", $infix, $acknowledged),
                "types, flags and acknowledgements", [Reasons], frames::acknowledged),
            netlink_scenarios!(@ $module, concat!($stage, "/N2-", $infix, "reply-address"),
                "a reply goes to the sender, whatever nlmsg_pid is", [Unsigned], frames::reply_address),
            netlink_scenarios!(@ $module, concat!($stage, "/N3-", $infix, "lengths"),
                "headers with wrong lengths", [Bytes], frames::lengths),
            netlink_scenarios!(@ $module, concat!($stage, "/N3-", $infix, $payloads),
                "wrong payloads", [Bytes], frames::payloads),
            netlink_scenarios!(@ $module, concat!($stage, "/N3-", $infix, "fuzz"),
                "400 random wrong datagrams", [Bytes], fuzz::fuzz),
            netlink_scenarios!(@ $module, concat!($stage, "/N5-", $infix, "buffers"),
                "requests, messages and sockets leave no memory behind", [], life::buffers_kept),
            netlink_scenarios!(@ $module, concat!($stage, "/N7-", $infix, "in-and-out"),
                "inserted and removed any number of times, never while a socket is open", [], life::in_and_out),
            netlink_scenarios!(@ $module, concat!($stage, "/N7-", $infix, "protocol-taken"),
                "a protocol number has one owner", [], life::protocol_taken),
            netlink_scenarios!(@ $module, concat!($stage, "/N8-", $infix, "any-user"),
                "any user may use it, but not send to another user's socket", [], users::any_user),
            netlink_scenarios!(@ $module, concat!($stage, "/N9-", $infix, "other-namespace"),
                "only the initial network namespace is served", [], users::other_namespace),
        ]
    };
    (@ $module:ty, $id:expr, $title:literal, programs, $file:ident :: $run:ident) => {
        lab_scene::Scenario {
            id: $id,
            title: $title,
            looks_at: lab_scene::LooksAt::Programs,
            run: $crate::netlink::$file::$run::<$module>,
        }
    };
    (@ $module:ty, $id:expr, $title:literal, [$($detail:ident)*], $file:ident :: $run:ident) => {
        lab_scene::Scenario {
            id: $id,
            title: $title,
            looks_at: lab_scene::LooksAt::Module(&[$(lab_scene::Detail::$detail)*]),
            run: $crate::netlink::$file::$run::<$module>,
        }
    };
}

/// A scenario for every module that carries lines from publishers to subscribers.
macro_rules! subscriber_scenario {
    (inherited, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N4-inherited"),
            "a socket that a child has inherited lives as long as the child",
            [Numbers], life::inherited)
    };
    (bystanders, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N4-bystanders"),
            "a closed socket with a member's portid or process takes no member along",
            [Numbers], life::bystanders)
    };
    (slow_reader, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N6-slow-reader"),
            "only a socket that does not read loses messages", [Numbers], slow::reader)
    };
    (strangers, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N10-strangers"),
            "the subscriber accepts messages of the kernel only", programs, programs::strangers)
    };
    (overrun, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N10-overrun"),
            "a slow subscriber reports its loss and goes on", programs, programs::overrun)
    };
    (long_lines, $module:ty, $stage:literal) => {
        netlink_scenarios!(@ $module, concat!($stage, "/N11-long-lines"),
            "a line that is too long is refused, not truncated", programs, programs::long_lines)
    };
}

pub(crate) use {netlink_scenarios, subscriber_scenario};
