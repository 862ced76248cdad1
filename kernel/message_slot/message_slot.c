// SPDX-License-Identifier: GPL-2.0-only
/*
 * message_slot - a character device whose channels each hold one message
 *
 * User space opens a node of major 235, chooses a channel with an ioctl
 * (ipclab/message_slot.h), and writes and reads whole messages of 1 to 128
 * bytes. Each minor is a slot of its own. A message stays until it is
 * overwritten or the module is removed, and can be read any number of times.
 *
 * lab:begin mslot-design: say what an open file is, and what the lock protects (D6, D8)
 * An open file is only the id of its channel, which is stored in the pointer
 * file->private_data; 0 is no channel. Opening a file or choosing a channel
 * allocates nothing, and closing frees nothing.
 *
 * Lock: the xa_lock of a slot protects the pointers to its messages. A message
 * itself never changes: a write makes a new one, which replaces the old one. A
 * reader holds the lock while it copies a message, so a message that has been
 * replaced can be freed at once.
 * lab:end
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include <ipclab/message_slot.h>

/* lab:begin mslot-state: the contents of a slot, and how a file finds its slot (D1, D5, D6, I4) */
struct mslot_message {
	u8 len;		/* in bytes, 1 to MSG_SLOT_MESSAGE_MAX */
	u8 data[];
};

/*
 * The messages of each slot by channel id. An id has 32 bits and an index at
 * least as many, so no two channels share an entry. The number of steps to find
 * one depends on the id, and not on the number of channels.
 */
static struct xarray mslot_slots[MSG_SLOT_MINORS];

static struct xarray *mslot_of(const struct file *file)
{
	return &mslot_slots[iminor(file_inode(file))];
}

/* Another thread may choose a channel for the same file at the same time. */
static unsigned long mslot_channel(const struct file *file)
{
	return (unsigned long)READ_ONCE(file->private_data);
}

/* lab:end */

static int mslot_open(struct inode *inode, struct file *file)
{
	/* lab:begin mslot-open: a new file has no channel; calls on it may overlap (D6, D7, D8) */
	file->private_data = NULL;
	/*
	 * A slot has no file position, and so no lock for it: calls may
	 * overlap.
	 */
	return stream_open(inode, file);
	/* lab:end stub: return 0; */
}

static long mslot_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	/* lab:begin mslot-ioctl: choose the channel of this file, refuse the rest (I1-I4) */
	/*
	 * The argument is an unsigned int. The upper half of the register is
	 * undefined: ioctl(2) is variadic, and no code clears it.
	 */
	unsigned int channel = arg;

	if (cmd != MSG_SLOT_CHANNEL || !channel)
		return -EINVAL;

	WRITE_ONCE(file->private_data, (void *)(unsigned long)channel);
	pr_debug("minor %u: channel %u is chosen\n", iminor(file_inode(file)), channel);
	return 0;
	/* lab:end stub: return -EOPNOTSUPP; */
}

static ssize_t mslot_write(struct file *file, const char __user *buf, size_t count,
			   loff_t *ppos)
{
	/* lab:begin mslot-write: accept one whole message, or keep the old one (W1-W5) */
	/*
	 * Every step that may fail comes before the new message is stored. If
	 * the xarray has no memory for it, the old message stays.
	 */
	unsigned long channel = mslot_channel(file);
	struct mslot_message *message, *old;

	if (!channel)
		return -EINVAL;
	if (!count || count > MSG_SLOT_MESSAGE_MAX)
		return -EMSGSIZE;

	/*
	 * Any user may fill channels, so the memory is charged to the writer's
	 * cgroup.
	 */
	message = kmalloc(struct_size(message, data, count), GFP_KERNEL_ACCOUNT);
	if (!message)
		return -ENOMEM;
	message->len = count;
	if (copy_from_user(message->data, buf, count)) {
		kfree(message);
		return -EFAULT;
	}

	old = xa_store(mslot_of(file), channel, message, GFP_KERNEL);
	if (xa_is_err(old)) {
		kfree(message);
		return xa_err(old);
	}
	kfree(old);
	pr_debug("minor %u: channel %lu holds %zu bytes\n",
		 iminor(file_inode(file)), channel, count);
	return count;
	/* lab:end stub: return -EOPNOTSUPP; */
}

static ssize_t mslot_read(struct file *file, char __user *buf, size_t count,
			  loff_t *ppos)
{
	/* lab:begin mslot-read: return the whole message; it stays in the channel (R1-R6, D8) */
	unsigned long channel = mslot_channel(file);
	struct xarray *slot = mslot_of(file);
	const struct mslot_message *message;
	u8 data[MSG_SLOT_MESSAGE_MAX];
	size_t len = 0;

	if (!channel)
		return -EINVAL;

	/* Copying to user space may sleep: copy to the stack first, locked. */
	xa_lock(slot);
	message = xa_load(slot, channel);
	if (message) {
		len = message->len;
		memcpy(data, message->data, len);
	}
	xa_unlock(slot);

	if (!len)
		return -EWOULDBLOCK;
	if (count < len)
		return -ENOSPC;
	if (copy_to_user(buf, data, len))
		return -EFAULT;
	pr_debug("minor %u: channel %lu is read\n", iminor(file_inode(file)), channel);
	return len;
	/* lab:end stub: return -EOPNOTSUPP; */
}

static const struct file_operations mslot_fops = {
	.owner = THIS_MODULE,
	.open = mslot_open,
	.read = mslot_read,
	.write = mslot_write,
	.unlocked_ioctl = mslot_ioctl,
};

static int __init mslot_init(void)
{
	int err;

	/* lab:begin mslot-init: prepare all slots for the first file (D1, D4) */
	/* First the slots, because a file may be opened at once. */
	for (unsigned int minor = 0; minor < MSG_SLOT_MINORS; minor++)
		xa_init_flags(&mslot_slots[minor], XA_FLAGS_ACCOUNT);
	/* lab:end */

	/* Registers 256 minors, MSG_SLOT_MINORS. */
	err = register_chrdev(MSG_SLOT_MAJOR, KBUILD_MODNAME, &mslot_fops);
	if (err < 0) {
		pr_err("major %d cannot be registered: error %d\n", MSG_SLOT_MAJOR, -err);
		return err;
	}
	pr_info("ready on major %d\n", MSG_SLOT_MAJOR);
	return 0;
}

/* An open file holds a reference on this module, so none is open here. */
static void __exit mslot_exit(void)
{
	/* lab:begin mslot-exit: release the major number, and all memory (D4) */
	struct mslot_message *message;
	unsigned long channel, count = 0;
	unsigned int minor;

	unregister_chrdev(MSG_SLOT_MAJOR, KBUILD_MODNAME);
	for (minor = 0; minor < MSG_SLOT_MINORS; minor++) {
		xa_for_each(&mslot_slots[minor], channel, message) {
			kfree(message);
			count++;
		}
		xa_destroy(&mslot_slots[minor]);
	}
	pr_info("removed; channels that held a message: %lu\n", count);
	/* lab:end stub: unregister_chrdev(MSG_SLOT_MAJOR, KBUILD_MODNAME); */
}

module_init(mslot_init);
module_exit(mslot_exit);

MODULE_DESCRIPTION("A device whose channels each hold one message (ipclab, message slot)");
MODULE_LICENSE("GPL");
