/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before submitted code, so that the same code gets the same verdict
 * on each kernel. It provides APIs that 6.1 has and 6.12 has not, and turns
 * errors of gcc 14 that gcc 12 only warns of into warnings. It must not include
 * a kernel header, because definitions of the code must come first.
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
/* A file without .llseek is not seekable; no_llseek had this meaning. */
#define no_llseek NULL
#endif

/*
 * clang identifies as gcc 4. Other errors of gcc 14 are set by the kernel or in
 * KCFLAGS.
 */
#if __GNUC__ >= 14
#pragma GCC diagnostic warning "-Wdeclaration-missing-parameter-type"
#endif

#endif
