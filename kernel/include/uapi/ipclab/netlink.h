/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Shared by user space and the netlink modules: protocol number, message types,
 * attributes, limits. The Rust side is protocol/src/netlink.rs and one file for
 * each module; a test in protocol/ compiles this header and compares every
 * constant. Only one module has the protocol at a time, so each numbers its
 * message types from NLMSG_MIN_TYPE.
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
 * The payload of a request is one byte for the role, then the body:
 *   's'         subscribe; the body is empty
 *   'p'         claim the publisher's place
 *   'p' body    the same, and send the body to every subscriber
 * The payload of NL_PUBSUB_DATA is the body alone. Its nlmsg_seq counts the
 * messages for that subscriber from 1, so a lost one leaves a gap.
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
 *                                        sender, except the sender itself
 *   NL_ROUTER_LIST        -              a dump (NLM_F_DUMP) of NL_ROUTER_MEMBER
 *   NL_ROUTER_DATA        PORTID BODY    for subscribers
 *   NL_ROUTER_MEMBER      ROLES PORTID PID [FROM] DELIVERED DROPPED
 *
 * nlmsg_seq of DATA counts the messages for that subscriber from 1, so a lost
 * one leaves a gap.
 */
#define NL_ROUTER_REGISTER	0x10
#define NL_ROUTER_UNREGISTER	0x11
#define NL_ROUTER_PUBLISH	0x12
#define NL_ROUTER_LIST		0x13
#define NL_ROUTER_DATA		0x14
#define NL_ROUTER_MEMBER	0x15

#define NL_ROUTER_A_ROLES	1	/* u32: mask; for a member, its one role */
#define NL_ROUTER_A_FROM	2	/* u32: portid of the only publisher; absent: all */
#define NL_ROUTER_A_BODY	3	/* 0 to IPCLAB_BODY_MAX bytes */
#define NL_ROUTER_A_PORTID	4	/* u32: of the sender or member */
#define NL_ROUTER_A_PID		5	/* u32: pid of the registered process */
#define NL_ROUTER_A_DELIVERED	6	/* u32: messages, modulo 2^32 */
#define NL_ROUTER_A_DROPPED	7	/* u32: messages that found a full queue */
#define NL_ROUTER_A_MAX		7

#define NL_ROUTER_PUBLISHER	0x1
#define NL_ROUTER_SUBSCRIBER	0x2

/*
 * The result of one publication: the cookie (NLMSGERR_ATTR_COOKIE) in its
 * answer, for sockets with NETLINK_EXT_ACK.
 */
struct nl_router_report {
	__u32 delivered;	/* subscribers that have it in their queue */
	__u32 dropped;		/* subscribers whose queue was full */
};

/*
 * Part 2, step 1: nl_hello.
 *
 * The payload of a request is a text of 1 to IPCLAB_BODY_MAX bytes. The payload
 * of the answer is "Hello from kernel: " and the same bytes. Neither ends in a
 * NUL.
 */
#define NL_HELLO_REQUEST	0x10
#define NL_HELLO_ANSWER		0x11	/* nlmsg_seq is the request's */

/*
 * Part 2, step 2: nl_greeting.
 *
 * A request has no payload. Each greeting goes to NL_GREETING_GROUP. Its
 * nlmsg_seq counts from 1, so a lost one leaves a gap.
 */
#define NL_GREETING_REQUEST	0x10
#define NL_GREETING_DATA	0x11	/* NL_GREETING_A_TEXT */

#define NL_GREETING_GROUP	1	/* a group's number, not a mask */

#define NL_GREETING_A_TEXT	1	/* string with its NUL */

/*
 * Part 2, step 3: nl_routes.
 *
 * Unknown entry: ENOENT; an entry or a watch that exists already: EEXIST; no
 * place for one more: ENOSPC. Events go to the sockets that watch the entry.
 * Their nlmsg_seq counts the events for that socket from 1.
 */
#define NL_ROUTES_LIST		0x10	/* with NLM_F_DUMP; no attributes */
#define NL_ROUTES_ADD		0x11	/* A_NAME */
#define NL_ROUTES_DELETE	0x12	/* A_NAME */
#define NL_ROUTES_EXPIRE	0x13	/* A_NAME, A_EXPIRE_MS */
#define NL_ROUTES_WATCH		0x14	/* A_NAME, or none: all */
#define NL_ROUTES_UNWATCH	0x15	/* A_NAME, or none: the watch of all */

#define NL_ROUTES_ENTRY		0x18	/* in a list: A_NAME, A_EXPIRE_MS if it expires */
#define NL_ROUTES_ADDED		0x19	/* event: A_NAME */
#define NL_ROUTES_DELETED	0x1a	/* event: A_NAME, A_REASON */

#define NL_ROUTES_A_NAME	1	/* string with its NUL, 1 to NAME_MAX bytes before it */
#define NL_ROUTES_A_EXPIRE_MS	2	/* u32, until it expires; 0 in a request: never */
#define NL_ROUTES_A_REASON	3	/* u32 */

#define NL_ROUTES_EXPIRED	1	/* reason: its time has expired */
#define NL_ROUTES_REQUESTED	2	/* reason: NL_ROUTES_DELETE */

#define NL_ROUTES_NAME_MAX	15		/* bytes, without the NUL */
#define NL_ROUTES_EXPIRE_MAX	0x7fffffff	/* milliseconds; above it: ERANGE */
#define NL_ROUTES_ENTRIES	256		/* at once */
#define NL_ROUTES_WATCHES	16		/* by name, of one socket */

#endif /* _UAPI_IPCLAB_NETLINK_H */
