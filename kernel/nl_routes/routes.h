/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the table (routes_main.c), its list (routes_dump.c) and the
 * watchers (routes_watch.c).
 */
#ifndef _NL_ROUTES_H
#define _NL_ROUTES_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include <ipclab/netlink.h>

extern struct mutex routes_lock;
extern struct sock *routes_nlsk;	/* the kernel's end */
extern unsigned long routes_dropped;	/* events that found a full queue */

/* lab:begin routes-entry: an entry, and the data that its list needs (E1, E2) */
struct routes_entry {
	struct list_head list;		/* in routes_table */
	bool expires;
	unsigned long due;		/* jiffies, if it expires */
	char name[NL_ROUTES_NAME_MAX + 1];
};

extern struct list_head routes_table;
extern unsigned int routes_generation;
/* lab:end */

/*
 * A watching socket. It is the socket and not its portid, because another
 * socket can get the portid after this one is closed.
 */
struct routes_watcher {
	struct list_head list;
	struct sock *sk;	/* referenced */
	u32 portid;		/* of sk, which keeps it until it is closed */
	u32 seq;		/* of its last event, delivered or lost */
	bool all;
	unsigned int count;	/* of names */
	char names[NL_ROUTES_WATCHES][NL_ROUTES_NAME_MAX + 1];
};

/* Answer NL_ROUTES_LIST: begin a dump of the table. */
int routes_list(struct sk_buff *skb, struct nlmsghdr *nlh,
		struct netlink_ext_ack *extack);

/* Drop the watchers whose socket is dead (SOCK_DEAD). */
void routes_reap_locked(void);

/* Make the sender watch @name, NULL: all. A used *@fresh is set to NULL. */
int routes_watch_locked(struct sk_buff *skb, struct routes_watcher **fresh,
			const char *name, struct netlink_ext_ack *extack);

/* End the socket's watch of @name; NULL ends only the watch of all. */
int routes_unwatch_locked(const struct sock *sk, const char *name,
			  struct netlink_ext_ack *extack);

/* Send an event to each socket that watches @name; 0: without @reason. */
void routes_tell_locked(u16 type, const char *name, u32 reason);

#endif /* _NL_ROUTES_H */
