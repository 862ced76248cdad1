/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Shared by user space and the module message_slot. The Rust side is
 * protocol/src/slot.rs; a test in protocol/ compiles this header and compares
 * every constant.
 */
#ifndef _UAPI_IPCLAB_MESSAGE_SLOT_H
#define _UAPI_IPCLAB_MESSAGE_SLOT_H

#include <linux/ioctl.h>

/* Major number of the device. Each of its minors is one slot. */
#define MSG_SLOT_MAJOR		235
#define MSG_SLOT_MINORS		256

/* Longest message, in bytes; the shortest has one. Otherwise: EMSGSIZE. */
#define MSG_SLOT_MESSAGE_MAX	128

/*
 * Choose the channel of an open file. The argument is the channel id itself,
 * 1 to 2^32-1, and not a pointer to it.
 */
#define MSG_SLOT_CHANNEL	_IOW(MSG_SLOT_MAJOR, 0, unsigned int)

#endif /* _UAPI_IPCLAB_MESSAGE_SLOT_H */
