/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Included before each submitted program, so that it gets the same verdict from
 * gcc 12 and gcc 14: gcc 14 refuses code that gcc 12 only warns of. It must not
 * include a header, because definitions of the program must come first.
 */
#ifndef IPCLAB_LIBC_COMPAT_H
#define IPCLAB_LIBC_COMPAT_H

#if __GNUC__ >= 14
#pragma GCC diagnostic warning "-Wdeclaration-missing-parameter-type"
#pragma GCC diagnostic warning "-Wimplicit-function-declaration"
#pragma GCC diagnostic warning "-Wimplicit-int"
#pragma GCC diagnostic warning "-Wincompatible-pointer-types"
#pragma GCC diagnostic warning "-Wint-conversion"
#pragma GCC diagnostic warning "-Wreturn-mismatch"
#endif

#endif
