/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reporting a lost message to a socket when memory has run out.
 */
#ifndef _IPCLAB_NL_OVERRUN_H
#define _IPCLAB_NL_OVERRUN_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <net/sock.h>

/*
 * If a queue is full, netlink itself makes the next recv() fail with ENOBUFS
 * (netlink_overrun(), which modules cannot call). Without memory the message
 * does not reach the queue, and a waiting receiver would wait for ever. @sk is
 * referenced; it may be dead. Never sleeps.
 */
static inline void nl_overrun(struct sock *sk)
{
	WRITE_ONCE(sk->sk_err, ENOBUFS);
	sk_error_report(sk);
}

#endif /* _IPCLAB_NL_OVERRUN_H */
