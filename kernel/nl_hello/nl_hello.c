// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_hello - one process asks, the kernel answers, over classic netlink
 *
 * User space opens socket(AF_NETLINK, SOCK_RAW, 31) and sends a text
 * (ipclab/netlink.h). The module logs it and sends "Hello from kernel: " and
 * the text back to the sender's socket, before it acknowledges the request.
 *
 * No state is kept between requests, so there is no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <net/netlink.h>

#include <ipclab/netlink.h>
#include <nl_frames.h>
#include <nl_open.h>

static const char hello_greeting[] = "Hello from kernel: ";

static struct sock *hello_nlsk;	/* the kernel's end */

static unsigned int hello_protocol = IPCLAB_NETLINK_PROTO;
module_param_named(protocol, hello_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number (31)");

/* lab:begin hello-log: log the text; no sender may fill the log or forge a line (H1) */
/* Logged bytes of a text; escaped, each becomes at most four. */
#define HELLO_LOGGED	64

/* Any user may send any number of texts, so the log is rate-limited. */
static void hello_log(u32 portid, const u8 *text, int len)
{
	char escaped[4 * HELLO_LOGGED];
	int escaped_len;

	escaped_len = string_escape_mem(text, min(len, HELLO_LOGGED), escaped,
					sizeof(escaped),
					ESCAPE_ANY | ESCAPE_NAP, NULL);
	pr_info_ratelimited("portid %u says: %.*s%s\n", portid, escaped_len,
			    escaped, len > HELLO_LOGGED ? "..." : "");
}

/* lab:end */

/* lab:begin hello-answer: send greeting and text to the socket that asked (H1, N2, N5) */
static int hello_answer(struct sk_buff *skb, u32 seq, const u8 *text, int len,
			struct netlink_ext_ack *extack)
{
	const int greeting_len = strlen(hello_greeting);
	struct sk_buff *out;
	struct nlmsghdr *nlh;
	int err;

	out = nlmsg_new(greeting_len + len, GFP_KERNEL);
	if (!out) {
		NL_SET_ERR_MSG(extack, "no memory for the answer");
		return -ENOMEM;
	}
	nlh = nlmsg_put(out, 0, seq, NL_HELLO_ANSWER, greeting_len + len, 0);
	memcpy(nlmsg_data(nlh), hello_greeting, greeting_len);
	memcpy(nlmsg_data(nlh) + greeting_len, text, len);

	/*
	 * Sent to the sender's address, which the kernel filled in, not to
	 * nlmsg_pid. Sent from the kernel's socket that received the request.
	 * Never blocks, and always frees @out.
	 */
	err = nlmsg_unicast(skb->sk, out, NETLINK_CB(skb).portid);
	if (err)
		NL_SET_ERR_MSG(extack, "there is no room for the answer");
	return err;
}

/* lab:end */

static int hello_request(struct sk_buff *skb, struct nlmsghdr *nlh,
			 struct netlink_ext_ack *extack)
{
	/* lab:begin hello-request: refuse invalid requests; log and answer a text (H1, N1, N3) */
	const u8 *text = nlmsg_data(nlh);
	int len = nlmsg_len(nlh);

	if (nlh->nlmsg_type != NL_HELLO_REQUEST) {
		NL_SET_ERR_MSG(extack, "unknown message type");
		return -EOPNOTSUPP;
	}
	if (!len) {
		NL_SET_ERR_MSG(extack, "there is no text");
		return -EINVAL;
	}
	if (len > IPCLAB_BODY_MAX) {
		NL_SET_ERR_MSG(extack, "a text has at most 1024 bytes");
		return -EMSGSIZE;
	}

	hello_log(NETLINK_CB(skb).portid, text, len);
	return hello_answer(skb, nlh->nlmsg_seq, text, len, extack);
	/* lab:end stub: return -EOPNOTSUPP; */
}

static void hello_input(struct sk_buff *skb)
{
	nl_frames_rcv(skb, hello_request);
}

static int __init hello_init(void)
{
	struct netlink_kernel_cfg cfg = {
		.input = hello_input,
		/*
		 * Any user may receive, but not send to another user's socket.
		 */
		.flags = NL_CFG_F_NONROOT_RECV,
	};

	hello_nlsk = nl_open(hello_protocol, &cfg);
	return PTR_ERR_OR_ZERO(hello_nlsk);
}

static void __exit hello_exit(void)
{
	netlink_kernel_release(hello_nlsk);
	pr_info("removed\n");
}

module_init(hello_init);
module_exit(hello_exit);

MODULE_DESCRIPTION("One process asks, the kernel answers, over netlink (ipclab, part 2)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NET_PF_PROTO(PF_NETLINK, IPCLAB_NETLINK_PROTO);
