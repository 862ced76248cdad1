// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of all entries: a dump in one or more parts. The lock is that of
 * routes_main.c.
 */
#include "routes.h"

#include <linux/jiffies.h>

/* lab:begin routes-dump: one entry of the list, and as many as fit (E2) */
static int routes_put_locked(struct sk_buff *skb, struct netlink_callback *cb,
			     const struct routes_entry *entry)
{
	unsigned long now = jiffies;
	struct nlmsghdr *nlh;

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			NL_ROUTES_ENTRY, 0, NLM_F_MULTI);
	if (!nlh)
		return -EMSGSIZE;
	if (nla_put_string(skb, NL_ROUTES_A_NAME, entry->name) ||
	    (entry->expires &&
	     nla_put_u32(skb, NL_ROUTES_A_EXPIRE_MS,
			 time_after(entry->due, now) ?
			 jiffies_to_msecs(entry->due - now) : 0))) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nl_dump_check_consistent(cb, nlh);
	nlmsg_end(skb, nlh);
	return 0;
}

/*
 * As many entries as fit; called again until none is left. args[0] is the
 * number of sent entries. If the table changes in between, netlink sees this in
 * cb->seq and marks the list with NLM_F_DUMP_INTR.
 */
static int routes_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct routes_entry *entry;
	long at = 0;

	mutex_lock(&routes_lock);
	cb->seq = routes_generation;
	list_for_each_entry(entry, &routes_table, list) {
		if (at++ < cb->args[0])
			continue;
		if (routes_put_locked(skb, cb, entry))
			break;
		cb->args[0]++;
	}
	mutex_unlock(&routes_lock);
	return skb->len;
}

/* lab:end */

int routes_list(struct sk_buff *skb, struct nlmsghdr *nlh,
		struct netlink_ext_ack *extack)
{
	/* lab:begin routes-list: refuse invalid requests; otherwise begin the dump (E2) */
	struct netlink_dump_control control = {
		.dump = routes_dump,
	};

	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) {
		NL_SET_ERR_MSG(extack, "a list is a dump: NLM_F_DUMP is not set");
		return -EINVAL;
	}
	if (nlmsg_len(nlh)) {
		NL_SET_ERR_MSG(extack, "this request has no payload");
		return -EINVAL;
	}
	/*
	 * To the sender's address, not to nlmsg_pid. NLMSG_DONE is the answer.
	 */
	return netlink_dump_start(skb->sk, skb, nlh, &control);
	/* lab:end stub: return -EOPNOTSUPP; */
}
