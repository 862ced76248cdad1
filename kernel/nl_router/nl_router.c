// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_router - kernel lists that route between any number of processes
 *
 * User space opens socket(AF_NETLINK, SOCK_RAW, 31), registers as publisher, as
 * subscriber or as both, and publishes. Each message goes to every subscriber
 * whose subscription covers its sender (ipclab/netlink.h).
 *
 * lab:begin router-design: say what a member is, what locks protect, and their order (L5, N4, N5)
 * Members: a member is a socket, kept as a referenced struct sock, as in
 * nl_pubsub. A member whose socket has died (SOCK_DEAD) is skipped at once and
 * removed on NETLINK_URELEASE.
 *
 * Locks: router_lock protects changes of both lists and router_last_id. The
 * lists are walked under SRCU: a sender may sleep for memory, and yield between
 * two subscribers, without blocking any other. The lock of a member protects
 * its counters, and keeps the messages in its queue in order. Sending under it
 * never blocks.
 *
 * Lock order: router_lock, then the lock of one member.
 * lab:end
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <net/netlink.h>
#include <net/sock.h>

#include <ipclab/netlink.h>
#include <nl_frames.h>
#include <nl_overrun.h>

/* lab:begin router-state: members, their lists, their locks (L1, N4) */
/* One role of one socket. */
struct router_member {
	struct list_head node;
	struct rcu_head rcu;
	struct sock *sk;	/* referenced */
	u64 id;			/* rises along a list; a dump continues at it */
	u32 portid;		/* of sk, which keeps it until it is closed */
	u32 pid;
	u32 from;		/* subscriber: portid of its publisher, 0: all */

	spinlock_t lock;	/* protects the following fields */
	bool gone;		/* removed: no message is sent to it */
	u32 seq;		/* of its last message, delivered or lost */
	u32 delivered;		/* messages to the subscriber, copies of the publisher */
	u32 dropped;
};

static DEFINE_MUTEX(router_lock);
DEFINE_STATIC_SRCU(router_srcu);
static LIST_HEAD(router_publishers);
static LIST_HEAD(router_subscribers);
static u64 router_last_id;

/* The list of role BIT(i), and the name of its members. */
#define ROUTER_ROLES	2
static struct list_head *const router_lists[ROUTER_ROLES] = {
	&router_publishers, &router_subscribers,
};

static const char *const router_names[ROUTER_ROLES] = {
	"publisher", "subscriber",
};

/* lab:end */

static struct sock *router_nlsk;	/* the kernel's end */

static unsigned int router_protocol = IPCLAB_NETLINK_PROTO;
module_param_named(protocol, router_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number (31)");

/* Members: create, find, remove. */

/* lab:begin router-members: a removed member gets no message and leaves no memory (L5, N4) */
static struct router_member *router_new(const struct sk_buff *skb, u32 from)
{
	struct router_member *member = kzalloc(sizeof(*member), GFP_KERNEL);

	if (!member)
		return NULL;
	member->sk = NETLINK_CB(skb).sk;
	sock_hold(member->sk);
	member->portid = NETLINK_CB(skb).portid;
	member->pid = NETLINK_CREDS(skb)->pid;
	member->from = from;
	spin_lock_init(&member->lock);
	return member;
}

static void router_free(struct router_member *member)
{
	if (!member)
		return;
	sock_put(member->sk);
	kfree(member);
}

static void router_free_rcu(struct rcu_head *rcu)
{
	router_free(container_of(rcu, struct router_member, rcu));
}

static void router_remove_locked(struct router_member *member)
{
	/*
	 * A sender may be at this member; it must queue no message after this.
	 */
	spin_lock(&member->lock);
	member->gone = true;
	spin_unlock(&member->lock);
	list_del_rcu(&member->node);
	call_srcu(&router_srcu, &member->rcu, router_free_rcu);
}

/* Under router_lock or router_srcu. */
static struct router_member *router_find(struct list_head *list,
					 const struct sock *sk)
{
	struct router_member *member;

	list_for_each_entry_srcu(member, list, node,
				 srcu_read_lock_held(&router_srcu) ||
				 lockdep_is_held(&router_lock))
		if (member->sk == sk)
			return member;
	return NULL;
}

/* lab:end */

/* Requests: register and unregister. */

/* lab:begin router-roles: the roles in a request; it has at least one (L1, N3) */
static int router_roles(struct nlattr **tb, struct netlink_ext_ack *extack)
{
	if (tb[NL_ROUTER_A_ROLES] && nla_get_u32(tb[NL_ROUTER_A_ROLES]))
		return nla_get_u32(tb[NL_ROUTER_A_ROLES]);
	NL_SET_ERR_MSG(extack, "a role is needed: publisher, subscriber or both");
	return -EINVAL;
}

/* lab:end */

static int router_register(struct sk_buff *skb, const struct nlmsghdr *nlh,
			   struct nlattr **tb, struct netlink_ext_ack *extack)
{
	/* lab:begin router-register: take all the roles, or none with a reason (L1, L2) */
	struct router_member *fresh[ROUTER_ROLES] = {};
	u32 from = tb[NL_ROUTER_A_FROM] ? nla_get_u32(tb[NL_ROUTER_A_FROM]) : 0;
	int roles = router_roles(tb, extack);
	int err = 0, i;

	if (roles < 0)
		return roles;
	if (from && !(roles & NL_ROUTER_SUBSCRIBER)) {
		NL_SET_ERR_MSG(extack, "only a subscriber names a publisher");
		return -EINVAL;
	}

	for (i = 0; i < ROUTER_ROLES; i++) {
		if (!(roles & BIT(i)))
			continue;
		fresh[i] = router_new(skb, BIT(i) == NL_ROUTER_SUBSCRIBER ? from : 0);
		if (!fresh[i]) {
			NL_SET_ERR_MSG(extack, "no memory for one more member");
			err = -ENOMEM;
			goto free_fresh;
		}
	}

	mutex_lock(&router_lock);
	for (i = 0; i < ROUTER_ROLES; i++) {
		if (fresh[i] && router_find(router_lists[i], fresh[i]->sk)) {
			NL_SET_ERR_MSG(extack, "this socket has that role already");
			err = -EALREADY;
		}
	}
	for (i = 0; !err && i < ROUTER_ROLES; i++) {
		if (!fresh[i])
			continue;
		pr_debug("%s portid %u registers\n", router_names[i], fresh[i]->portid);
		fresh[i]->id = ++router_last_id;
		list_add_tail_rcu(&fresh[i]->node, router_lists[i]);
		fresh[i] = NULL;
	}
	mutex_unlock(&router_lock);

free_fresh:
	for (i = 0; i < ROUTER_ROLES; i++)
		router_free(fresh[i]);
	return err;
	/* lab:end stub: return -EOPNOTSUPP; */
}

static int router_unregister(struct sk_buff *skb, const struct nlmsghdr *nlh,
			     struct nlattr **tb, struct netlink_ext_ack *extack)
{
	/* lab:begin router-unregister: remove all the roles or none (L1) */
	struct router_member *found[ROUTER_ROLES] = {};
	int roles = router_roles(tb, extack);
	int err = 0, i;

	if (roles < 0)
		return roles;

	mutex_lock(&router_lock);
	for (i = 0; i < ROUTER_ROLES; i++) {
		if (!(roles & BIT(i)))
			continue;
		found[i] = router_find(router_lists[i], NETLINK_CB(skb).sk);
		if (!found[i]) {
			NL_SET_ERR_MSG(extack, "this socket does not have that role");
			err = -ENOENT;
		}
	}
	for (i = 0; !err && i < ROUTER_ROLES; i++) {
		if (!found[i])
			continue;
		pr_debug("%s portid %u unregisters\n", router_names[i], found[i]->portid);
		router_remove_locked(found[i]);
	}
	mutex_unlock(&router_lock);
	return err;
	/* lab:end stub: return -EOPNOTSUPP; */
}

/* Requests: publish. */

/* lab:begin router-build: the message for subscribers, with the body's exact length (L2, N3) */
/*
 * The message for every subscriber, without its number: header and attribute
 * headers in the linear part, the body in a page fragment. pskb_copy() then
 * copies the first and shares the second.
 */
static struct sk_buff *router_build(u32 portid, const struct nlattr *body)
{
	int len = nla_len(body), size = NLA_ALIGN(len);
	struct nlmsghdr *nlh;
	struct nlattr *nla;
	struct sk_buff *skb;
	struct page *page;
	u8 *data;

	skb = nlmsg_new(nla_total_size(sizeof(u32)) + NLA_HDRLEN, GFP_KERNEL);
	if (!skb)
		return NULL;
	nlh = nlmsg_put(skb, 0, 0, NL_ROUTER_DATA, 0, 0);
	if (!nlh || nla_put_u32(skb, NL_ROUTER_A_PORTID, portid))
		goto free_skb;
	nla = skb_put(skb, NLA_HDRLEN);
	nla->nla_type = NL_ROUTER_A_BODY;
	nla->nla_len = nla_attr_size(len);

	if (len) {
		data = netdev_alloc_frag(size);
		if (!data)
			goto free_skb;
		memcpy(data, nla_data(body), len);
		memset(data + len, 0, size - len);
		page = virt_to_head_page(data);
		skb_add_rx_frag(skb, 0, page, data - (u8 *)page_address(page),
				size, SKB_DATA_ALIGN(size));
	}
	nlh->nlmsg_len = skb->len;
	return skb;

free_skb:
	kfree_skb(skb);
	return NULL;
}

/* lab:end */

/* lab:begin router-deliver: to each subscription, in order, without waiting (L2, L3, N5, N6) */
/*
 * Send one subscriber its copy. A full queue, or a lack of memory, affects only
 * itself.
 */
static void router_deliver(struct router_member *sub, struct sk_buff *message,
			   struct nl_router_report *report)
{
	struct sk_buff *copy = pskb_copy(message, GFP_KERNEL);
	int err = -ENOMEM;

	/* One after the other, so that numbers rise in the queue. */
	spin_lock(&sub->lock);
	if (sub->gone) {
		spin_unlock(&sub->lock);
		kfree_skb(copy);
		return;
	}
	sub->seq++;
	if (copy) {
		nlmsg_hdr(copy)->nlmsg_seq = sub->seq;
		/*
		 * Never blocks. A full queue returns -EAGAIN here, and ENOBUFS
		 * to the subscriber's next recv().
		 */
		err = nlmsg_unicast(router_nlsk, copy, sub->portid);
	} else {
		nl_overrun(sub->sk);
	}
	if (err < 0) {
		sub->dropped++;
		report->dropped++;
	} else {
		sub->delivered++;
		report->delivered++;
	}
	spin_unlock(&sub->lock);
}

static int router_publish_to_all(const struct sk_buff *skb,
				 const struct nlattr *body,
				 struct nl_router_report *report,
				 struct netlink_ext_ack *extack)
{
	struct sock *sk = NETLINK_CB(skb).sk;
	u32 portid = NETLINK_CB(skb).portid;
	struct router_member *publisher, *sub;
	struct sk_buff *message;

	publisher = router_find(&router_publishers, sk);
	if (!publisher) {
		NL_SET_ERR_MSG(extack, "this socket is not a publisher");
		return -EPERM;
	}
	message = router_build(portid, body);
	if (!message) {
		NL_SET_ERR_MSG(extack, "no memory for the message");
		return -ENOMEM;
	}

	list_for_each_entry_srcu(sub, &router_subscribers, node,
				 srcu_read_lock_held(&router_srcu)) {
		if (sub->sk == sk || (sub->from && sub->from != portid) ||
		    sock_flag(sub->sk, SOCK_DEAD))
			continue;
		router_deliver(sub, message, report);
		cond_resched();
	}
	consume_skb(message);

	spin_lock(&publisher->lock);
	publisher->delivered += report->delivered;
	publisher->dropped += report->dropped;
	spin_unlock(&publisher->lock);
	return 0;
}

/* lab:end */

static int router_publish(struct sk_buff *skb, const struct nlmsghdr *nlh,
			  struct nlattr **tb, struct netlink_ext_ack *extack)
{
	/* lab:begin router-publish: publish, and report the result (L2, L3, N3) */
	const struct nlattr *body = tb[NL_ROUTER_A_BODY];
	struct nl_router_report report = {};
	int err, idx;

	BUILD_BUG_ON(sizeof(report) > sizeof(extack->cookie));

	if (!body) {
		NL_SET_ERR_MSG(extack, "a publication has a body");
		return -EINVAL;
	}
	if (nla_len(body) > IPCLAB_BODY_MAX) {
		NL_SET_ERR_MSG(extack, "a body has at most 1024 bytes");
		return -EMSGSIZE;
	}

	idx = srcu_read_lock(&router_srcu);
	err = router_publish_to_all(skb, body, &report, extack);
	srcu_read_unlock(&router_srcu, idx);
	if (err)
		return err;

	pr_debug("portid %u publishes %d bytes: %u delivered, %u dropped\n",
		 NETLINK_CB(skb).portid, nla_len(body), report.delivered,
		 report.dropped);
	memcpy(extack->cookie, &report, sizeof(report));
	extack->cookie_len = sizeof(report);
	return 0;
	/* lab:end stub: return -EOPNOTSUPP; */
}

/* Requests: list. */

/* lab:begin router-dump: both lists in parts, each member that stays exactly once (L1) */
/*
 * The position of a dump is an id and not an index. So each member that stays
 * is listed exactly once, even if others come and go between two parts.
 */
struct router_cursor {
	u64 id;			/* of the last listed member */
	unsigned int role;	/* index into router_lists */
};

static int router_put_member(struct sk_buff *skb, struct netlink_callback *cb,
			     struct router_member *member, u32 role)
{
	u32 delivered, dropped;
	struct nlmsghdr *nlh;

	spin_lock(&member->lock);
	delivered = member->delivered;
	dropped = member->dropped;
	spin_unlock(&member->lock);

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			NL_ROUTER_MEMBER, 0, NLM_F_MULTI);
	if (!nlh)
		return -EMSGSIZE;
	if (nla_put_u32(skb, NL_ROUTER_A_ROLES, role) ||
	    nla_put_u32(skb, NL_ROUTER_A_PORTID, member->portid) ||
	    nla_put_u32(skb, NL_ROUTER_A_PID, member->pid) ||
	    (member->from && nla_put_u32(skb, NL_ROUTER_A_FROM, member->from)) ||
	    nla_put_u32(skb, NL_ROUTER_A_DELIVERED, delivered) ||
	    nla_put_u32(skb, NL_ROUTER_A_DROPPED, dropped)) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

static int router_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct router_cursor *cursor = (struct router_cursor *)cb->ctx;
	struct router_member *member;
	int err = 0, idx;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));

	idx = srcu_read_lock(&router_srcu);
	for (; cursor->role < ROUTER_ROLES; cursor->role++, cursor->id = 0) {
		list_for_each_entry_srcu(member, router_lists[cursor->role], node,
					 srcu_read_lock_held(&router_srcu)) {
			if (member->id <= cursor->id ||
			    sock_flag(member->sk, SOCK_DEAD))
				continue;
			err = router_put_member(skb, cb, member, BIT(cursor->role));
			if (err)
				goto unlock;	/* full: the next part continues here */
			cursor->id = member->id;
		}
	}
unlock:
	srcu_read_unlock(&router_srcu, idx);
	return skb->len ?: err;
}

/* lab:end */

static int router_list(struct sk_buff *skb, const struct nlmsghdr *nlh,
		       struct nlattr **tb, struct netlink_ext_ack *extack)
{
	/* lab:begin router-list: start the dump (L1) */
	struct netlink_dump_control control = { .dump = router_dump };
	int err;

	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) {
		NL_SET_ERR_MSG(extack, "a list is a dump: NLM_F_DUMP is not set");
		return -EINVAL;
	}
	/* -EINTR: the dump has begun, and its end is the answer. */
	err = netlink_dump_start(router_nlsk, skb, nlh, &control);
	if (err == -EBUSY)
		NL_SET_ERR_MSG(extack, "a list is being read already");
	return err;
	/* lab:end stub: return -EOPNOTSUPP; */
}

/* Input. */

struct router_command {
	const struct nla_policy *policy;	/* NL_ROUTER_A_MAX + 1; others: EINVAL */
	int (*run)(struct sk_buff *skb, const struct nlmsghdr *nlh,
		   struct nlattr **tb, struct netlink_ext_ack *extack);
};

#define ROUTER_POLICY_ROLES \
	NLA_POLICY_MASK(NLA_U32, NL_ROUTER_PUBLISHER | NL_ROUTER_SUBSCRIBER)

static const struct nla_policy router_register_policy[NL_ROUTER_A_MAX + 1] = {
	[NL_ROUTER_A_ROLES] = ROUTER_POLICY_ROLES,
	[NL_ROUTER_A_FROM] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy router_unregister_policy[NL_ROUTER_A_MAX + 1] = {
	[NL_ROUTER_A_ROLES] = ROUTER_POLICY_ROLES,
};

static const struct nla_policy router_publish_policy[NL_ROUTER_A_MAX + 1] = {
	/*
	 * No limit here: it would return ERANGE, and the contract says
	 * EMSGSIZE.
	 */
	[NL_ROUTER_A_BODY] = { .type = NLA_BINARY },
};

static const struct nla_policy router_list_policy[NL_ROUTER_A_MAX + 1] = {};

static const struct router_command router_commands[] = {
	[NL_ROUTER_REGISTER - NLMSG_MIN_TYPE] = {
		router_register_policy, router_register,
	},
	[NL_ROUTER_UNREGISTER - NLMSG_MIN_TYPE] = {
		router_unregister_policy, router_unregister,
	},
	[NL_ROUTER_PUBLISH - NLMSG_MIN_TYPE] = {
		router_publish_policy, router_publish,
	},
	[NL_ROUTER_LIST - NLMSG_MIN_TYPE] = {
		router_list_policy, router_list,
	},
};

static int router_request(struct sk_buff *skb, struct nlmsghdr *nlh,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NL_ROUTER_A_MAX + 1];
	unsigned int at = nlh->nlmsg_type - NLMSG_MIN_TYPE;
	int err;

	if (at >= ARRAY_SIZE(router_commands)) {
		NL_SET_ERR_MSG(extack, "unknown message type");
		return -EOPNOTSUPP;
	}
	err = nlmsg_parse(nlh, 0, tb, NL_ROUTER_A_MAX, router_commands[at].policy,
			  extack);
	if (err)
		return err;
	return router_commands[at].run(skb, nlh, tb, extack);
}

static void router_input(struct sk_buff *skb)
{
	nl_frames_rcv(skb, router_request);
}

static int router_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	/* lab:begin router-event: a socket on our protocol has been closed (N4) */
	const struct netlink_notify *notify = ptr;
	struct router_member *member, *next;
	int i;

	if (event != NETLINK_URELEASE || notify->protocol != router_protocol)
		return NOTIFY_DONE;

	mutex_lock(&router_lock);
	for (i = 0; i < ROUTER_ROLES; i++) {
		list_for_each_entry_safe(member, next, router_lists[i], node) {
			if (!sock_flag(member->sk, SOCK_DEAD))
				continue;
			pr_debug("%s portid %u is gone\n", router_names[i],
				 member->portid);
			router_remove_locked(member);
		}
	}
	mutex_unlock(&router_lock);
	return NOTIFY_OK;
	/* lab:end stub: return NOTIFY_DONE; */
}

static struct notifier_block router_notifier = {
	.notifier_call = router_event,
};

static int __init router_init(void)
{
	struct netlink_kernel_cfg cfg = {
		.input = router_input,
		/*
		 * Any user may receive, but not send to another user's socket.
		 */
		.flags = NL_CFG_F_NONROOT_RECV,
	};
	int err;

	if (router_protocol >= MAX_LINKS) {
		pr_err("protocol %u: expected 0..%d\n", router_protocol, MAX_LINKS - 1);
		return -EINVAL;
	}

	/* First the notifier, because a member may come and go at once. */
	err = netlink_register_notifier(&router_notifier);
	if (err)
		return err;

	/* Only the initial network namespace: sockets of others get ECONNREFUSED. */
	router_nlsk = netlink_kernel_create(&init_net, router_protocol, &cfg);
	if (!router_nlsk) {
		/*
		 * It returns no reason; if memory is left, the number is taken.
		 */
		pr_err("netlink protocol %u is in use\n", router_protocol);
		netlink_unregister_notifier(&router_notifier);
		return -EADDRINUSE;
	}

	pr_info("ready on netlink protocol %u\n", router_protocol);
	return 0;
}

/*
 * An open socket holds a reference on this module until the notifier has run.
 * So both lists are empty here, but removed members may still wait for the end
 * of a grace period.
 */
static void __exit router_exit(void)
{
	netlink_kernel_release(router_nlsk);
	netlink_unregister_notifier(&router_notifier);
	/* lab:begin router-exit: wait until all removed members have been freed (L5, N7) */
	srcu_barrier(&router_srcu);
	pr_info("removed, %s\n",
		list_empty(&router_publishers) && list_empty(&router_subscribers) ?
		"both lists are empty" : "members were left");
	/* lab:end stub: pr_info("removed\n"); */
}

module_init(router_init);
module_exit(router_exit);

MODULE_DESCRIPTION("Kernel lists that route messages over netlink (ipclab, part 3)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, IPCLAB_NETLINK_PROTO);
