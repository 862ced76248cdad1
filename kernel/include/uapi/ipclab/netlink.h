/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What user space and the netlink modules share: protocol number, message
 * types, limits. The Rust side is protocol/src/netlink.rs and pubsub.rs; a test
 * in protocol/ compiles this header and compares every constant.
 */
#ifndef _UAPI_IPCLAB_NETLINK_H
#define _UAPI_IPCLAB_NETLINK_H

#include <linux/types.h>

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

/*
 * Part 3: nl_router. Payloads are attributes (struct nlattr); the Rust side is
 * protocol/src/router.rs.
 *
 *   NL_ROUTER_REGISTER    ROLES [FROM]   take one role or both
 *   NL_ROUTER_UNREGISTER  ROLES          give them back
 *   NL_ROUTER_PUBLISH     BODY           to every subscription that covers the
 *                                        sender, the sender itself excluded
 *   NL_ROUTER_LIST        -              a dump (NLM_F_DUMP) of NL_ROUTER_MEMBER
 *   NL_ROUTER_DATA        PORTID BODY    what subscribers receive
 *   NL_ROUTER_MEMBER      ROLES PORTID PID [FROM] DELIVERED DROPPED
 *
 * nlmsg_seq of DATA counts the messages meant for that subscriber from 1, so
 * that a lost one leaves a gap.
 */
#define NL_ROUTER_REGISTER	0x10
#define NL_ROUTER_UNREGISTER	0x11
#define NL_ROUTER_PUBLISH	0x12
#define NL_ROUTER_LIST		0x13
#define NL_ROUTER_DATA		0x14
#define NL_ROUTER_MEMBER	0x15

#define NL_ROUTER_A_ROLES	1	/* u32: mask; of a member its one role */
#define NL_ROUTER_A_FROM	2	/* u32: portid of one publisher; none: all */
#define NL_ROUTER_A_BODY	3	/* 0 to IPCLAB_BODY_MAX bytes */
#define NL_ROUTER_A_PORTID	4	/* u32: of the sender, of the member */
#define NL_ROUTER_A_PID		5	/* u32: process that has registered */
#define NL_ROUTER_A_DELIVERED	6	/* u32: messages, modulo 2^32 */
#define NL_ROUTER_A_DROPPED	7	/* u32: messages that found a full queue */
#define NL_ROUTER_A_MAX		7

#define NL_ROUTER_PUBLISHER	0x1
#define NL_ROUTER_SUBSCRIBER	0x2

/*
 * What became of one publication: the cookie (NLMSGERR_ATTR_COOKIE) in the
 * answer to it, for sockets that have asked for such things (NETLINK_EXT_ACK).
 */
struct nl_router_report {
	__u32 delivered;	/* subscribers that have it in their queue */
	__u32 dropped;		/* subscribers whose queue was full */
};

#endif /* _UAPI_IPCLAB_NETLINK_H */
