// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_pubsub - one publisher, two subscribers, over classic netlink
 *
 * User space opens socket(AF_NETLINK, SOCK_RAW, 31) and sends requests whose
 * payload starts with one byte for the role (ipclab/netlink.h). A subscriber
 * then receives each body that the publisher sends.
 *
 * lab:begin pubsub-design: say what a member is, and what the lock protects (N4, N5)
 * Members: a member is a socket, kept as a referenced struct sock. A portid
 * would not do, because another socket can get it as soon as the first is
 * closed. A member whose socket has died (SOCK_DEAD) is dropped on
 * NETLINK_URELEASE. A request may arrive before this notifier has run, so dead
 * members are also dropped before each request.
 *
 * Lock: pubsub_lock protects pubsub_publisher, pubsub_subscribers and
 * pubsub_dropped. Input and notifier both run in process context, so it is a
 * mutex. Sending under it never blocks.
 * lab:end
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <net/netlink.h>
#include <net/sock.h>

#include <ipclab/netlink.h>
#include <nl_frames.h>

/* lab:begin pubsub-state: the publisher, the places for subscribers, their lock (B2, N4) */
struct pubsub_subscriber {
	struct sock *sk;	/* referenced; NULL: the place is free */
	u32 portid;		/* of sk, which keeps it until it is closed */
	u32 seq;		/* of its last message, delivered or lost */
};

static DEFINE_MUTEX(pubsub_lock);
static struct sock *pubsub_publisher;	/* referenced; NULL: no publisher */
static struct pubsub_subscriber pubsub_subscribers[NL_PUBSUB_PLACES];
/* lab:end */

static unsigned long pubsub_dropped;	/* messages that found a full queue */

static struct sock *pubsub_nlsk;	/* the kernel's end */

static unsigned int pubsub_protocol = IPCLAB_NETLINK_PROTO;
module_param_named(protocol, pubsub_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number (31)");

static int pubsub_dropped_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;	/* a counter is read-only */
}

static const struct kernel_param_ops pubsub_dropped_ops = {
	.set = pubsub_dropped_set,
	.get = param_get_ulong,
};
module_param_cb(dropped, &pubsub_dropped_ops, &pubsub_dropped, 0444);
MODULE_PARM_DESC(dropped, "messages lost because a subscriber did not read (read only)");

/* lab:begin pubsub-reap: a socket that has ended in any way frees its place (N4) */
static void pubsub_reap_locked(void)
{
	struct pubsub_subscriber *sub;

	for (sub = pubsub_subscribers;
	     sub < pubsub_subscribers + NL_PUBSUB_PLACES; sub++) {
		if (!sub->sk || !sock_flag(sub->sk, SOCK_DEAD))
			continue;
		pr_debug("subscriber portid %u is gone\n", sub->portid);
		sock_put(sub->sk);
		sub->sk = NULL;
	}
	if (pubsub_publisher && sock_flag(pubsub_publisher, SOCK_DEAD)) {
		pr_debug("the publisher is gone\n");
		sock_put(pubsub_publisher);
		pubsub_publisher = NULL;
	}
}

/* lab:end */

/* lab:begin pubsub-places: give a place, or refuse with the right errno (B2) */
static struct pubsub_subscriber *pubsub_find_locked(const struct sock *sk)
{
	struct pubsub_subscriber *sub;

	for (sub = pubsub_subscribers;
	     sub < pubsub_subscribers + NL_PUBSUB_PLACES; sub++)
		if (sub->sk == sk)
			return sub;
	return NULL;
}

static int pubsub_subscribe_locked(struct sock *sk, u32 portid,
				   struct netlink_ext_ack *extack)
{
	struct pubsub_subscriber *sub;

	if (sk == pubsub_publisher) {
		NL_SET_ERR_MSG(extack, "this socket is the publisher");
		return -EPERM;
	}
	if (pubsub_find_locked(sk)) {
		NL_SET_ERR_MSG(extack, "this socket is subscribed already");
		return -EALREADY;
	}
	sub = pubsub_find_locked(NULL);
	if (!sub) {
		NL_SET_ERR_MSG(extack, "both places for subscribers are taken");
		return -ENOSPC;
	}
	sock_hold(sk);
	sub->sk = sk;
	sub->portid = portid;
	sub->seq = 0;
	pr_debug("portid %u subscribes\n", portid);
	return 0;
}

static int pubsub_claim_locked(struct sock *sk, u32 portid,
			       struct netlink_ext_ack *extack)
{
	if (sk == pubsub_publisher)
		return 0;
	if (pubsub_find_locked(sk)) {
		NL_SET_ERR_MSG(extack, "this socket is a subscriber");
		return -EPERM;
	}
	if (pubsub_publisher) {
		NL_SET_ERR_MSG(extack, "there is a publisher already");
		return -EBUSY;
	}
	sock_hold(sk);
	pubsub_publisher = sk;
	pr_debug("portid %u is the publisher\n", portid);
	return 0;
}

static int pubsub_subscribe(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&pubsub_lock);
	pubsub_reap_locked();
	err = pubsub_subscribe_locked(NETLINK_CB(skb).sk, NETLINK_CB(skb).portid,
				      extack);
	mutex_unlock(&pubsub_lock);
	return err;
}

/* lab:end */

/* lab:begin pubsub-publish: each body to each subscriber; a full queue loses it (B3, N5, N6) */
/*
 * Send one body to one subscriber; consumes @out. A full queue affects only
 * itself.
 */
static void pubsub_forward_locked(struct pubsub_subscriber *sub,
				  struct sk_buff *out, const u8 *body, int len)
{
	struct nlmsghdr *nlh;

	nlh = nlmsg_put(out, 0, ++sub->seq, NL_PUBSUB_DATA, len, 0);
	memcpy(nlmsg_data(nlh), body, len);
	/*
	 * Never blocks. A full queue returns -EAGAIN here, and ENOBUFS to the
	 * subscriber's next recv().
	 */
	if (nlmsg_unicast(pubsub_nlsk, out, sub->portid) < 0) {
		pubsub_dropped++;
		pr_debug("message %u to portid %u is lost\n", sub->seq, sub->portid);
	} else {
		pr_debug("message %u to portid %u, %d bytes\n",
			 sub->seq, sub->portid, len);
	}
}

static int pubsub_publish(struct sk_buff *skb, const u8 *body, int len,
			  struct netlink_ext_ack *extack)
{
	struct sk_buff *out[NL_PUBSUB_PLACES] = {};
	int err, i;

	/* Every step that may fail or sleep comes before the lock. */
	for (i = 0; len && i < NL_PUBSUB_PLACES; i++) {
		out[i] = nlmsg_new(len, GFP_KERNEL);
		if (!out[i]) {
			NL_SET_ERR_MSG(extack, "no memory for the message");
			err = -ENOMEM;
			goto free_out;
		}
	}

	mutex_lock(&pubsub_lock);
	pubsub_reap_locked();
	err = pubsub_claim_locked(NETLINK_CB(skb).sk, NETLINK_CB(skb).portid,
				  extack);
	for (i = 0; !err && len && i < NL_PUBSUB_PLACES; i++) {
		if (!pubsub_subscribers[i].sk)
			continue;
		pubsub_forward_locked(&pubsub_subscribers[i], out[i], body, len);
		out[i] = NULL;
	}
	mutex_unlock(&pubsub_lock);

free_out:
	for (i = 0; i < NL_PUBSUB_PLACES; i++)
		kfree_skb(out[i]);
	return err;
}

/* lab:end */

static int pubsub_request(struct sk_buff *skb, struct nlmsghdr *nlh,
			  struct netlink_ext_ack *extack)
{
	/* lab:begin pubsub-request: the role, the body's length, or the right errno (B1, N1, N3) */
	const u8 *payload = nlmsg_data(nlh);
	int len = nlmsg_len(nlh) - 1;	/* of the body, after the role */

	if (nlh->nlmsg_type != NL_PUBSUB_REQUEST) {
		NL_SET_ERR_MSG(extack, "unknown message type");
		return -EOPNOTSUPP;
	}
	if (len < 0) {
		NL_SET_ERR_MSG(extack, "the payload starts with a role, p or s");
		return -EINVAL;
	}
	if (len > IPCLAB_BODY_MAX) {
		NL_SET_ERR_MSG(extack, "a body has at most 1024 bytes");
		return -EMSGSIZE;
	}

	switch (payload[0]) {
	case NL_PUBSUB_PUBLISHER:
		return pubsub_publish(skb, payload + 1, len, extack);
	case NL_PUBSUB_SUBSCRIBER:
		if (len) {
			NL_SET_ERR_MSG(extack, "a subscriber's request has no body");
			return -EINVAL;
		}
		return pubsub_subscribe(skb, extack);
	default:
		NL_SET_ERR_MSG(extack, "the payload starts with a role, p or s");
		return -EINVAL;
	}
	/* lab:end stub: return -EOPNOTSUPP; */
}

static void pubsub_input(struct sk_buff *skb)
{
	nl_frames_rcv(skb, pubsub_request);
}

static int pubsub_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	/* lab:begin pubsub-event: a socket on our protocol has been closed (N4) */
	const struct netlink_notify *notify = ptr;

	if (event != NETLINK_URELEASE || notify->protocol != pubsub_protocol)
		return NOTIFY_DONE;

	mutex_lock(&pubsub_lock);
	pubsub_reap_locked();
	mutex_unlock(&pubsub_lock);
	return NOTIFY_OK;
	/* lab:end stub: return NOTIFY_DONE; */
}

static struct notifier_block pubsub_notifier = {
	.notifier_call = pubsub_event,
};

static int __init pubsub_init(void)
{
	struct netlink_kernel_cfg cfg = {
		.input = pubsub_input,
		/*
		 * Any user may receive, but not send to another user's socket.
		 */
		.flags = NL_CFG_F_NONROOT_RECV,
	};
	int err;

	if (pubsub_protocol >= MAX_LINKS) {
		pr_err("protocol %u: expected 0..%d\n", pubsub_protocol, MAX_LINKS - 1);
		return -EINVAL;
	}

	/* First the notifier, because a member may come and go at once. */
	err = netlink_register_notifier(&pubsub_notifier);
	if (err)
		return err;

	/* Only the initial network namespace: sockets of others get ECONNREFUSED. */
	pubsub_nlsk = netlink_kernel_create(&init_net, pubsub_protocol, &cfg);
	if (!pubsub_nlsk) {
		/*
		 * It returns no reason; if memory is left, the number is taken.
		 */
		pr_err("netlink protocol %u is in use\n", pubsub_protocol);
		netlink_unregister_notifier(&pubsub_notifier);
		return -EADDRINUSE;
	}

	pr_info("ready on netlink protocol %u\n", pubsub_protocol);
	return 0;
}

/*
 * An open socket holds a reference on this module until the notifier has run,
 * so no member is left here.
 */
static void __exit pubsub_exit(void)
{
	netlink_kernel_release(pubsub_nlsk);
	netlink_unregister_notifier(&pubsub_notifier);
	pr_info("removed, %lu messages were lost\n", pubsub_dropped);
}

module_init(pubsub_init);
module_exit(pubsub_exit);

MODULE_DESCRIPTION("One publisher, two subscribers over netlink (ipclab, part 2)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, IPCLAB_NETLINK_PROTO);
