/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling a socket that it has lost a message for which there was no memory.
 */
#ifndef _IPCLAB_NL_OVERRUN_H
#define _IPCLAB_NL_OVERRUN_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <net/sock.h>

/*
 * Where a queue is full, netlink itself has the next recv() fail with ENOBUFS
 * (netlink_overrun(), which modules cannot call). Without memory nothing comes as
 * far as the queue, and a receiver that waits would wait for ever. @sk is
 * referenced; that it may have died does no harm. Never sleeps.
 */
static inline void nl_overrun(struct sock *sk)
{
	WRITE_ONCE(sk->sk_err, ENOBUFS);
	sk_error_report(sk);
}

#endif /* _IPCLAB_NL_OVERRUN_H */
