/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receiving datagrams from untrusted senders.
 *
 * netlink_rcv_skb() passes each well-formed request to a callback and sends the
 * acknowledgements, but it silently drops a datagram with a malformed header. A
 * student who gets the length wrong should get an error. So all headers are
 * checked first: if one is malformed, the whole datagram is refused with an
 * errno, and nothing of it is carried out.
 */
#ifndef _IPCLAB_NL_FRAMES_H
#define _IPCLAB_NL_FRAMES_H

#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/netlink.h>

typedef int (*nl_frames_cb)(struct sk_buff *skb, struct nlmsghdr *nlh,
			    struct netlink_ext_ack *extack);

/*
 * Check all headers. On error, @nlh is a header that can be acknowledged: the
 * received bytes, but with a length that covers the header only. netlink_ack()
 * copies as many bytes as the length says.
 */
static inline int nl_frames_check(const struct sk_buff *skb,
				  struct nlmsghdr *nlh,
				  struct netlink_ext_ack *extack)
{
	unsigned int at = 0, rest, claimed;

	while (at < skb->len) {
		rest = skb->len - at;
		memset(nlh, 0, sizeof(*nlh));
		memcpy(nlh, skb->data + at, min_t(size_t, rest, sizeof(*nlh)));
		claimed = nlh->nlmsg_len;
		nlh->nlmsg_len = NLMSG_HDRLEN;

		if (rest < NLMSG_HDRLEN) {
			NL_SET_ERR_MSG(extack, "truncated netlink header");
			return -EINVAL;
		}
		if (claimed < NLMSG_HDRLEN) {
			NL_SET_ERR_MSG(extack, "nlmsg_len is shorter than the header");
			return -EINVAL;
		}
		if (claimed > rest) {
			NL_SET_ERR_MSG(extack, "nlmsg_len is longer than the datagram");
			return -EINVAL;
		}
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE &&
		    !(nlh->nlmsg_flags & NLM_F_REQUEST)) {
			NL_SET_ERR_MSG(extack, "not a request: NLM_F_REQUEST is not set");
			return -EINVAL;
		}
		at += min_t(unsigned int, NLMSG_ALIGN(claimed), rest);
	}
	return 0;
}

/*
 * The input function of each module calls this with its own callback. The skb
 * belongs to the send call further down the stack and is never freed here.
 * Every answer goes to NETLINK_CB(skb).portid, which the kernel filled in.
 * nlmsg_pid is an untrusted number of the sender.
 */
static inline void nl_frames_rcv(struct sk_buff *skb, nl_frames_cb cb)
{
	struct netlink_ext_ack extack = {};
	struct nlmsghdr nlh;
	int err;

	err = nl_frames_check(skb, &nlh, &extack);
	if (err)
		netlink_ack(skb, &nlh, err, &extack);
	else
		netlink_rcv_skb(skb, cb);
}

#endif /* _IPCLAB_NL_FRAMES_H */
