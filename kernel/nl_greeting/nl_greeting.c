// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_greeting - the kernel greets a multicast group, over classic netlink
 *
 * Processes join NL_GREETING_GROUP of socket(AF_NETLINK, SOCK_RAW, 31). The
 * module greets the group on request (ipclab/netlink.h), and every interval_ms=
 * milliseconds if this parameter is given. It cannot greet on insertion,
 * because no socket on the protocol can be open before.
 *
 * Netlink itself keeps the members of the group; the module does not.
 *
 * Lock: greeting_lock protects greeting_seq and greeting_nlsk and keeps the
 * greetings in order. Requests and the timer's work both run in process
 * context, so it is a mutex. Sending under it never blocks.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/workqueue.h>
#include <net/netlink.h>

#include <ipclab/netlink.h>
#include <nl_frames.h>
#include <nl_open.h>

static const char greeting_text[] = "Greeting from kernel!";

static DEFINE_MUTEX(greeting_lock);

static struct sock *greeting_nlsk;	/* the kernel's end */

static unsigned int greeting_protocol = IPCLAB_NETLINK_PROTO;
module_param_named(protocol, greeting_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number (31)");

static unsigned int greeting_interval_ms;
module_param_named(interval_ms, greeting_interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "greet this often, in milliseconds; 0: only on request (0)");

/* lab:begin greeting-send: greet the group; an empty group is no error (G1, G3, N5) */
static u32 greeting_seq;		/* of the last greeting */

static int greeting_send(void)
{
	struct sk_buff *out;
	struct nlmsghdr *nlh;

	out = nlmsg_new(nla_total_size(sizeof(greeting_text)), GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	nlh = nlmsg_put(out, 0, 0, NL_GREETING_DATA, 0, 0);
	/* Cannot fail: the message was allocated for this text. */
	nla_put(out, NL_GREETING_A_TEXT, sizeof(greeting_text), greeting_text);
	nlmsg_end(out, nlh);

	mutex_lock(&greeting_lock);
	nlh->nlmsg_seq = ++greeting_seq;
	pr_debug("greeting %u to group %u\n", nlh->nlmsg_seq, NL_GREETING_GROUP);
	/*
	 * No errors: an empty group (-ESRCH), or a socket that does not read
	 * (-ENOBUFS; its next recv() reports the loss).
	 */
	nlmsg_multicast(greeting_nlsk, out, 0, NL_GREETING_GROUP, GFP_ATOMIC);
	mutex_unlock(&greeting_lock);
	return 0;
}

/* lab:end */

/* lab:begin greeting-regularly: greet every interval_ms= milliseconds (G2) */
static void greeting_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(greeting_work, greeting_work_fn);

static void greeting_plan(void)
{
	schedule_delayed_work(&greeting_work, msecs_to_jiffies(greeting_interval_ms));
}

static void greeting_work_fn(struct work_struct *work)
{
	greeting_send();	/* without memory: next time again */
	greeting_plan();
}

/* lab:end */

static int greeting_request(struct sk_buff *skb, struct nlmsghdr *nlh,
			    struct netlink_ext_ack *extack)
{
	/* lab:begin greeting-request: refuse invalid requests, greet on a valid one (G2, N1, N3) */
	int err;

	if (nlh->nlmsg_type != NL_GREETING_REQUEST) {
		NL_SET_ERR_MSG(extack, "unknown message type");
		return -EOPNOTSUPP;
	}
	if (nlmsg_len(nlh) > IPCLAB_BODY_MAX) {
		NL_SET_ERR_MSG(extack, "a payload has at most 1024 bytes");
		return -EMSGSIZE;
	}
	if (nlmsg_len(nlh)) {
		NL_SET_ERR_MSG(extack, "this request has no payload");
		return -EINVAL;
	}
	err = greeting_send();
	if (err)
		NL_SET_ERR_MSG(extack, "no memory for the greeting");
	return err;
	/* lab:end stub: return -EOPNOTSUPP; */
}

static void greeting_input(struct sk_buff *skb)
{
	nl_frames_rcv(skb, greeting_request);
}

static int __init greeting_init(void)
{
	struct netlink_kernel_cfg cfg = {
		.groups = NL_GREETING_GROUP,
		.input = greeting_input,
		/* Any user may join, but not send to another user's socket. */
		.flags = NL_CFG_F_NONROOT_RECV,
	};

	/* The first request, which may come at once, waits until it is set. */
	mutex_lock(&greeting_lock);
	greeting_nlsk = nl_open(greeting_protocol, &cfg);
	mutex_unlock(&greeting_lock);
	if (IS_ERR(greeting_nlsk))
		return PTR_ERR(greeting_nlsk);
	/* lab:begin greeting-start: start the timer, if interval_ms= is given (G2) */
	if (greeting_interval_ms)
		greeting_plan();
	/* lab:end */
	return 0;
}

static void __exit greeting_exit(void)
{
	/* lab:begin greeting-stop: no greeting may come any more (G2, N7) */
	/* First the work, which schedules itself again and uses the socket. */
	cancel_delayed_work_sync(&greeting_work);
	/* lab:end */
	netlink_kernel_release(greeting_nlsk);
	pr_info("removed\n");
}

module_init(greeting_init);
module_exit(greeting_exit);

MODULE_DESCRIPTION("The kernel greets a multicast group over netlink (ipclab, part 2)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, IPCLAB_NETLINK_PROTO);
