// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchers of entries. The lock is that of routes_main.c.
 *
 * A watcher whose socket has died (SOCK_DEAD) is dropped on NETLINK_URELEASE. A
 * request may arrive before this notifier has run, so dead watchers are also
 * dropped before each request and each expiry.
 */
#include "routes.h"

#include <linux/string.h>
#include <linux/slab.h>

#include <nl_overrun.h>

unsigned long routes_dropped;

/* lab:begin routes-watchers: watches by socket and not by portid (E1, N4) */
static LIST_HEAD(routes_watchers);

static void routes_drop_locked(struct routes_watcher *watcher)
{
	list_del(&watcher->list);
	sock_put(watcher->sk);
	kfree(watcher);
}

static struct routes_watcher *routes_watcher_locked(const struct sock *sk)
{
	struct routes_watcher *watcher;

	list_for_each_entry(watcher, &routes_watchers, list)
		if (watcher->sk == sk)
			return watcher;
	return NULL;
}

/* The index of @name among the watched names, or count. */
static unsigned int routes_place_locked(const struct routes_watcher *watcher,
					const char *name)
{
	unsigned int i;

	for (i = 0; i < watcher->count; i++)
		if (!strcmp(watcher->names[i], name))
			break;
	return i;
}

/* lab:end */

void routes_reap_locked(void)
{
	/* lab:begin routes-reap: a socket that has ended in any way watches nothing (N4) */
	struct routes_watcher *watcher, *next;

	list_for_each_entry_safe(watcher, next, &routes_watchers, list) {
		if (!sock_flag(watcher->sk, SOCK_DEAD))
			continue;
		pr_debug("watcher portid %u is gone\n", watcher->portid);
		routes_drop_locked(watcher);
	}
	/* lab:end */
}

int routes_watch_locked(struct sk_buff *skb, struct routes_watcher **fresh,
			const char *name, struct netlink_ext_ack *extack)
{
	/* lab:begin routes-watch: the sender watches one more entry, or all (E1, E2) */
	struct routes_watcher *watcher = routes_watcher_locked(NETLINK_CB(skb).sk);

	if (!watcher) {
		watcher = *fresh;
		*fresh = NULL;
		watcher->sk = NETLINK_CB(skb).sk;
		sock_hold(watcher->sk);
		watcher->portid = NETLINK_CB(skb).portid;
		list_add_tail(&watcher->list, &routes_watchers);
	}
	if (name ? routes_place_locked(watcher, name) < watcher->count :
		   watcher->all) {
		NL_SET_ERR_MSG(extack, "this socket watches that already");
		return -EEXIST;
	}
	if (!name) {
		watcher->all = true;
	} else if (watcher->count < NL_ROUTES_WATCHES) {
		strscpy(watcher->names[watcher->count++], name,
			sizeof(watcher->names[0]));
	} else {
		NL_SET_ERR_MSG(extack, "a socket watches at most 16 entries by name");
		return -ENOSPC;
	}
	pr_debug("portid %u watches %s\n", watcher->portid, name ?: "all");
	return 0;
	/* lab:end stub: return -EOPNOTSUPP; */
}

int routes_unwatch_locked(const struct sock *sk, const char *name,
			  struct netlink_ext_ack *extack)
{
	/* lab:begin routes-unwatch: end the sender's watch of an entry, or of all (E2) */
	struct routes_watcher *watcher = routes_watcher_locked(sk);
	unsigned int at;

	if (!watcher)
		goto not_watched;
	if (!name) {
		if (!watcher->all)
			goto not_watched;
		watcher->all = false;
	} else {
		at = routes_place_locked(watcher, name);
		if (at == watcher->count)
			goto not_watched;
		/*
		 * The last one takes its place, also if it is the last itself.
		 */
		watcher->count--;
		memmove(watcher->names[at], watcher->names[watcher->count],
			sizeof(watcher->names[0]));
	}
	pr_debug("portid %u no longer watches %s\n", watcher->portid, name ?: "all");
	if (!watcher->all && !watcher->count)
		routes_drop_locked(watcher);
	return 0;

not_watched:
	NL_SET_ERR_MSG(extack, "this socket does not watch that");
	return -ENOENT;
	/* lab:end stub: return -EOPNOTSUPP; */
}

/* lab:begin routes-send: one event to one watcher, without waiting (N5, N6) */
/*
 * This allocation does not sleep, because the number of watchers is known only
 * under the lock. Without memory the event is lost, and the watcher is told, as
 * with a full queue.
 */
static int routes_send_locked(struct routes_watcher *watcher, u16 type,
			      const char *name, u32 reason)
{
	struct sk_buff *out;
	struct nlmsghdr *nlh;

	out = nlmsg_new(nla_total_size(strlen(name) + 1) +
			nla_total_size(sizeof(reason)), GFP_NOWAIT | __GFP_NOWARN);
	if (!out) {
		nl_overrun(watcher->sk);
		return -ENOMEM;
	}
	nlh = nlmsg_put(out, 0, watcher->seq, type, 0, 0);
	/* Neither can fail: the message was allocated for these attributes. */
	nla_put_string(out, NL_ROUTES_A_NAME, name);
	if (reason)
		nla_put_u32(out, NL_ROUTES_A_REASON, reason);
	nlmsg_end(out, nlh);
	/*
	 * Never blocks. A full queue: -EAGAIN here, ENOBUFS from its next
	 * recv().
	 */
	return nlmsg_unicast(routes_nlsk, out, watcher->portid);
}

/* lab:end */

void routes_tell_locked(u16 type, const char *name, u32 reason)
{
	/* lab:begin routes-tell: an event to each that watches the entry, numbered (E1, E2, N6) */
	struct routes_watcher *watcher;

	list_for_each_entry(watcher, &routes_watchers, list) {
		if (!watcher->all &&
		    routes_place_locked(watcher, name) == watcher->count)
			continue;
		watcher->seq++;
		if (routes_send_locked(watcher, type, name, reason) < 0) {
			routes_dropped++;
			pr_debug("event %u to portid %u is lost\n",
				 watcher->seq, watcher->portid);
		} else {
			pr_debug("event %u to portid %u\n",
				 watcher->seq, watcher->portid);
		}
	}
	/* lab:end */
}
