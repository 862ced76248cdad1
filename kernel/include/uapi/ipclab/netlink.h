/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What user space and the netlink modules share: protocol number, message
 * types, limits. The Rust side is protocol/src/netlink.rs and pubsub.rs; a test
 * in protocol/ compiles this header and compares every constant.
 */
#ifndef _UAPI_IPCLAB_NETLINK_H
#define _UAPI_IPCLAB_NETLINK_H

/* Protocol number (third argument of socket(2)) unless protocol= is given. */
#define IPCLAB_NETLINK_PROTO	31

/* Longest body of one message, in bytes. Above it: EMSGSIZE. */
#define IPCLAB_BODY_MAX		1024

/*
 * Part 2, step 4: nl_pubsub.
 *
 * The payload of a request is one byte that tells the role, then the body:
 *   's'         subscribe; the body is empty
 *   'p'         claim the publisher's place
 *   'p' body    the same, and send the body to every subscriber
 * The payload of NL_PUBSUB_DATA is the body alone; its nlmsg_seq counts the
 * messages meant for that subscriber from 1, so that a lost one leaves a gap.
 */
#define NL_PUBSUB_REQUEST	0x10
#define NL_PUBSUB_DATA		0x11

#define NL_PUBSUB_PUBLISHER	0x70	/* 'p' */
#define NL_PUBSUB_SUBSCRIBER	0x73	/* 's' */

#define NL_PUBSUB_PLACES	2	/* for subscribers */

#endif /* _UAPI_IPCLAB_NETLINK_H */
