// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_routes - a table of entries with watchers, over classic netlink
 *
 * The table starts with R1, R2 and R3; R3 is deleted after expire_ms=. User
 * space opens socket(AF_NETLINK, SOCK_RAW, 31), lists and changes entries, and
 * watches one, several or all of them (ipclab/netlink.h). A socket that watches
 * an entry gets an event when it is added or deleted. A watch outlives its
 * entry.
 *
 * This file has the table and the requests. The list is in routes_dump.c, the
 * watchers are in routes_watch.c.
 *
 * Lock: routes_lock protects the table, the watchers and routes_nlsk. Requests,
 * dumps, work and notifier all run in process context, so it is a mutex. Memory
 * for a request is allocated before the lock, and no code blocks under the lock.
 * The lock is taken inside the dumping socket's cb_mutex.
 */
#include "routes.h"

#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <nl_frames.h>
#include <nl_open.h>

/* lab:begin routes-table: the table of entries (E1, E2) */
LIST_HEAD(routes_table);		/* in the order of insertion */
static unsigned int routes_count;
unsigned int routes_generation = 1;	/* changes with the table; see routes_dump() */
/* lab:end */

DEFINE_MUTEX(routes_lock);		/* see above */
struct sock *routes_nlsk;

static unsigned int routes_protocol = IPCLAB_NETLINK_PROTO;
module_param_named(protocol, routes_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number (31)");

static unsigned int routes_expire_ms = 10000;
module_param_named(expire_ms, routes_expire_ms, uint, 0444);
MODULE_PARM_DESC(expire_ms, "delete R3 after this many milliseconds; 0: never (10000)");

static int routes_dropped_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;	/* a counter is read-only */
}

static const struct kernel_param_ops routes_dropped_ops = {
	.set = routes_dropped_set,
	.get = param_get_ulong,
};
module_param_cb(dropped, &routes_dropped_ops, &routes_dropped, 0444);
MODULE_PARM_DESC(dropped, "events lost because a watcher did not read (read only)");

/* Not const, because 6.1 keeps a pointer that is not const. */
static struct netlink_range_validation routes_expire_range = {
	.max = NL_ROUTES_EXPIRE_MAX,
};

/* One policy for all: a request states its highest attribute type. */
static const struct nla_policy routes_policy[NL_ROUTES_A_EXPIRE_MS + 1] = {
	[NL_ROUTES_A_NAME] = { .type = NLA_NUL_STRING, .len = NL_ROUTES_NAME_MAX },
	[NL_ROUTES_A_EXPIRE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &routes_expire_range),
};

static void routes_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(routes_work, routes_work_fn);

/* lab:begin routes-entries: find one, delete one, schedule the next expiry (E1, E2) */
static struct routes_entry *routes_find_locked(const char *name)
{
	struct routes_entry *entry;

	list_for_each_entry(entry, &routes_table, list)
		if (!strcmp(entry->name, name))
			return entry;
	return NULL;
}

/*
 * Schedule the work for the next entry that expires; being early is harmless.
 */
static void routes_plan_locked(void)
{
	unsigned long now = jiffies, next = 0;
	struct routes_entry *entry;
	bool any = false;

	list_for_each_entry(entry, &routes_table, list) {
		if (!entry->expires || (any && time_after(entry->due, next)))
			continue;
		next = entry->due;
		any = true;
	}
	if (any)
		mod_delayed_work(system_wq, &routes_work,
				 time_after(next, now) ? next - now : 0);
}

static void routes_delete_locked(struct routes_entry *entry, u32 reason)
{
	list_del(&entry->list);
	routes_count--;
	routes_generation++;
	pr_debug("%s deleted (%s)\n", entry->name,
		 reason == NL_ROUTES_EXPIRED ? "expired" : "requested");
	routes_tell_locked(NL_ROUTES_DELETED, entry->name, reason);
	kfree(entry);
}

static void routes_set_expiry(struct routes_entry *entry, u32 ms)
{
	entry->expires = ms;
	entry->due = jiffies + msecs_to_jiffies(ms);
}

/* lab:end */

static void routes_work_fn(struct work_struct *work)
{
	/* lab:begin routes-work: delete expired entries, and tell their watchers (E1) */
	struct routes_entry *entry, *next;

	mutex_lock(&routes_lock);
	routes_reap_locked();
	list_for_each_entry_safe(entry, next, &routes_table, list)
		if (entry->expires && time_after_eq(jiffies, entry->due))
			routes_delete_locked(entry, NL_ROUTES_EXPIRED);
	routes_plan_locked();
	mutex_unlock(&routes_lock);
	/* lab:end */
}

static int routes_add(const char *name, u32 expire_ms,
		      struct netlink_ext_ack *extack)
{
	/* lab:begin routes-add: an entry that expires after this time, 0: never (E1, E2) */
	struct routes_entry *entry;
	int err = 0;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry) {
		NL_SET_ERR_MSG(extack, "no memory for the entry");
		return -ENOMEM;
	}
	strscpy(entry->name, name, sizeof(entry->name));

	mutex_lock(&routes_lock);
	routes_reap_locked();
	if (routes_find_locked(name)) {
		NL_SET_ERR_MSG(extack, "there is an entry of that name");
		err = -EEXIST;
	} else if (routes_count >= NL_ROUTES_ENTRIES) {
		NL_SET_ERR_MSG(extack, "the table is full");
		err = -ENOSPC;
	} else {
		list_add_tail(&entry->list, &routes_table);
		routes_count++;
		routes_generation++;
		routes_set_expiry(entry, expire_ms);
		routes_plan_locked();
		pr_debug("%s added\n", name);
		routes_tell_locked(NL_ROUTES_ADDED, name, 0);
		entry = NULL;
	}
	mutex_unlock(&routes_lock);

	kfree(entry);
	return err;
	/* lab:end stub: return 0; */
}

/* lab:begin routes-change: the other requests, or the right errno (E2) */
/* Delete an entry, or change its expiry time. */
static int routes_change(u16 type, const char *name, u32 expire_ms,
			 struct netlink_ext_ack *extack)
{
	struct routes_entry *entry;
	int err = 0;

	mutex_lock(&routes_lock);
	routes_reap_locked();
	entry = routes_find_locked(name);
	if (!entry) {
		NL_SET_ERR_MSG(extack, "there is no entry of that name");
		err = -ENOENT;
	} else if (type == NL_ROUTES_DELETE) {
		routes_delete_locked(entry, NL_ROUTES_REQUESTED);
	} else {
		routes_set_expiry(entry, expire_ms);
		routes_plan_locked();
		if (expire_ms)
			pr_debug("%s expires in %u ms\n", name, expire_ms);
		else
			pr_debug("%s does not expire\n", name);
	}
	mutex_unlock(&routes_lock);
	return err;
}

static int routes_watch(struct sk_buff *skb, const char *name,
			struct netlink_ext_ack *extack)
{
	struct routes_watcher *fresh;
	int err = -ENOENT;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh) {
		NL_SET_ERR_MSG(extack, "no memory for the watch");
		return -ENOMEM;
	}

	mutex_lock(&routes_lock);
	routes_reap_locked();
	if (!name || routes_find_locked(name))
		err = routes_watch_locked(skb, &fresh, name, extack);
	else
		NL_SET_ERR_MSG(extack, "there is no entry of that name");
	mutex_unlock(&routes_lock);

	kfree(fresh);
	return err;
}

static int routes_unwatch(struct sk_buff *skb, const char *name,
			  struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&routes_lock);
	routes_reap_locked();
	err = routes_unwatch_locked(NETLINK_CB(skb).sk, name, extack);
	mutex_unlock(&routes_lock);
	return err;
}

/* lab:end */

/* lab:begin routes-name: accept only names of 1 to 15 bytes and a NUL (N3) */
/* The name in a request; NULL without one. */
static const char *routes_name(struct nlattr **tb, bool needed,
			       struct netlink_ext_ack *extack)
{
	const struct nlattr *nla = tb[NL_ROUTES_A_NAME];

	if (!nla) {
		if (!needed)
			return NULL;
		NL_SET_ERR_MSG(extack, "the name is missing");
		return ERR_PTR(-EINVAL);
	}
	/*
	 * The policy has found a NUL somewhere, but it must be the last byte
	 * only.
	 */
	if (nla_len(nla) < 2 || strlen(nla_data(nla)) != nla_len(nla) - 1) {
		NL_SET_ERR_MSG_ATTR(extack, nla, "a name has 1 to 15 bytes and one NUL");
		return ERR_PTR(-EINVAL);
	}
	return nla_data(nla);
}

/* lab:end */

static int routes_request(struct sk_buff *skb, struct nlmsghdr *nlh,
			  struct netlink_ext_ack *extack)
{
	/* lab:begin routes-request: the request and its attributes, or the right errno (N1, N3) */
	struct nlattr *tb[NL_ROUTES_A_EXPIRE_MS + 1];
	u16 type = nlh->nlmsg_type;
	int maxtype = NL_ROUTES_A_NAME;
	const char *name;
	int err;

	if (type < NL_ROUTES_LIST || type > NL_ROUTES_UNWATCH) {
		NL_SET_ERR_MSG(extack, "unknown message type");
		return -EOPNOTSUPP;
	}
	if (nlmsg_len(nlh) > IPCLAB_BODY_MAX) {
		NL_SET_ERR_MSG(extack, "a payload has at most 1024 bytes");
		return -EMSGSIZE;
	}
	if (type == NL_ROUTES_LIST)
		return routes_list(skb, nlh, extack);

	if (type == NL_ROUTES_EXPIRE)
		maxtype = NL_ROUTES_A_EXPIRE_MS;
	err = nlmsg_parse(nlh, 0, tb, maxtype, routes_policy, extack);
	if (err)
		return err;
	name = routes_name(tb, type < NL_ROUTES_WATCH, extack);
	if (IS_ERR(name))
		return PTR_ERR(name);

	switch (type) {
	case NL_ROUTES_ADD:
		return routes_add(name, 0, extack);
	case NL_ROUTES_DELETE:
		return routes_change(type, name, 0, extack);
	case NL_ROUTES_EXPIRE:
		if (!tb[NL_ROUTES_A_EXPIRE_MS]) {
			NL_SET_ERR_MSG(extack, "the time is missing");
			return -EINVAL;
		}
		return routes_change(type, name,
				     nla_get_u32(tb[NL_ROUTES_A_EXPIRE_MS]), extack);
	case NL_ROUTES_WATCH:
		return routes_watch(skb, name, extack);
	default:
		return routes_unwatch(skb, name, extack);
	}
	/* lab:end stub: return -EOPNOTSUPP; */
}

static void routes_input(struct sk_buff *skb)
{
	nl_frames_rcv(skb, routes_request);
}

static int routes_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	/* lab:begin routes-event: a socket on our protocol has been closed (N4) */
	const struct netlink_notify *notify = ptr;

	if (event != NETLINK_URELEASE || notify->protocol != routes_protocol)
		return NOTIFY_DONE;

	mutex_lock(&routes_lock);
	routes_reap_locked();
	mutex_unlock(&routes_lock);
	return NOTIFY_OK;
	/* lab:end stub: return NOTIFY_DONE; */
}

static struct notifier_block routes_notifier = {
	.notifier_call = routes_event,
};

/* Stop the work, then free the table, which has no other user any more. */
static void routes_free(void)
{
	/* lab:begin routes-free: free every entry, also while one is about to expire (E4, N7) */
	struct routes_entry *entry, *next;

	cancel_delayed_work_sync(&routes_work);
	list_for_each_entry_safe(entry, next, &routes_table, list)
		kfree(entry);
	/* lab:end stub: cancel_delayed_work_sync(&routes_work); */
}

static int __init routes_init(void)
{
	struct netlink_kernel_cfg cfg = {
		.input = routes_input,
		/*
		 * Any user may receive, but not send to another user's socket.
		 */
		.flags = NL_CFG_F_NONROOT_RECV,
	};
	int err;

	if (routes_expire_ms > NL_ROUTES_EXPIRE_MAX) {
		pr_err("expire_ms %u: expected 0..%d\n", routes_expire_ms,
		       NL_ROUTES_EXPIRE_MAX);
		return -EINVAL;
	}

	/*
	 * First the table and the notifier, because a watcher may come at once.
	 */
	err = routes_add("R1", 0, NULL);
	if (!err)
		err = routes_add("R2", 0, NULL);
	if (!err)
		err = routes_add("R3", routes_expire_ms, NULL);
	if (err)
		goto free_table;
	err = netlink_register_notifier(&routes_notifier);
	if (err)
		goto free_table;

	/* Requests, and the work if it is due already, wait until it is set. */
	mutex_lock(&routes_lock);
	routes_nlsk = nl_open(routes_protocol, &cfg);
	mutex_unlock(&routes_lock);
	if (IS_ERR(routes_nlsk)) {
		err = PTR_ERR(routes_nlsk);
		goto unregister_notifier;
	}
	return 0;

unregister_notifier:
	netlink_unregister_notifier(&routes_notifier);
free_table:
	routes_free();
	return err;
}

/*
 * An open socket holds a reference on this module until the notifier has run,
 * so no watcher is left here.
 */
static void __exit routes_exit(void)
{
	/* First the work, which uses the socket. */
	routes_free();
	netlink_kernel_release(routes_nlsk);
	netlink_unregister_notifier(&routes_notifier);
	pr_info("removed, %lu events were lost\n", routes_dropped);
}

module_init(routes_init);
module_exit(routes_exit);

MODULE_DESCRIPTION("A table of entries and their watchers over netlink (ipclab, part 2)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, IPCLAB_NETLINK_PROTO);
