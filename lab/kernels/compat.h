/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before whatever was handed in: what kernels up to 6.1 had and 6.12 has
 * no more, and what gcc 12 warns of and gcc 14 refuses, so that the same code gets the
 * same verdict on each. No header of the kernel's may be included here: what the code
 * defines first has to come first.
 */
#ifndef IPCLAB_COMPAT_H
#define IPCLAB_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
/* class_create(owner, name) has lost its first argument. The kernel's own declaration
 * comes through here unchanged.
 */
#define ipclab_second(first, second, ...) second
#define class_create(first, ...) \
	(class_create)(ipclab_second(first, ##__VA_ARGS__, first))
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define strlcpy strscpy
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
/* A file without .llseek cannot be sought in, which no_llseek used to say. */
#define no_llseek NULL
#endif

/* clang calls itself gcc 4. Other errors of gcc 14 are the kernel's, too, or in KCFLAGS. */
#if __GNUC__ >= 14
#pragma GCC diagnostic warning "-Wdeclaration-missing-parameter-type"
#endif

#endif
