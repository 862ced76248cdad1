/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registering a protocol number, with a log line if it fails.
 */
#ifndef _IPCLAB_NL_OPEN_H
#define _IPCLAB_NL_OPEN_H

#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/printk.h>
#include <net/net_namespace.h>

/*
 * The kernel's socket for @protocol, or an ERR_PTR. Only the initial network
 * namespace is served: sockets of others get ECONNREFUSED.
 *
 * The first request may come before this returns. A module whose requests use
 * the returned socket holds its lock meanwhile, or uses the skb's own sk.
 */
static inline struct sock *nl_open(unsigned int protocol,
				   struct netlink_kernel_cfg *cfg)
{
	struct sock *nlsk;

	if (protocol >= MAX_LINKS) {
		pr_err("protocol %u: expected 0..%d\n", protocol, MAX_LINKS - 1);
		return ERR_PTR(-EINVAL);
	}
	nlsk = netlink_kernel_create(&init_net, protocol, cfg);
	if (!nlsk) {
		/*
		 * It returns no reason; if memory is left, the number is taken.
		 */
		pr_err("netlink protocol %u is in use\n", protocol);
		return ERR_PTR(-EADDRINUSE);
	}
	pr_info("ready on netlink protocol %u\n", protocol);
	return nlsk;
}

#endif /* _IPCLAB_NL_OPEN_H */
