// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 3: kernel lists that route between any number of processes.

mod common;

scenarios! {
    "part3";
    demonstration = "part3/L1-demonstration",
    register = "part3/L1-register",
    list_changes = "part3/L1-list-changes",
    routing = "part3/L2-routing",
    order = "part3/L3-order",
    acknowledged = "part3/L3-acknowledged",
    conversation = "part3/L4-conversation",
    drained = "part3/L4-drained",
    prompt = "part3/L4-prompt",
    crowd = "part3/L5-crowd",
    unread = "part3/L5-unread",
    requests = "part3/N1-requests",
    reply_address = "part3/N2-reply-address",
    lengths = "part3/N3-lengths",
    body_lengths = "part3/N3-body-lengths",
    fuzz = "part3/N3-fuzz",
    killed = "part3/N4-killed",
    inherited = "part3/N4-inherited",
    mid_stream = "part3/N4-mid-stream",
    successor = "part3/N4-successor",
    buffers = "part3/N5-buffers",
    slow_reader = "part3/N6-slow-reader",
    stopped = "part3/N6-stopped",
    in_and_out = "part3/N7-in-and-out",
    busy = "part3/N7-busy",
    protocol_taken = "part3/N7-protocol-taken",
    any_user = "part3/N8-any-user",
    other_namespace = "part3/N9-other-namespace",
    strangers = "part3/N10-strangers",
    overrun = "part3/N10-overrun",
    no_module = "part3/N11-no-module",
    ends = "part3/N11-ends",
    long_lines = "part3/N11-long-lines",
}
