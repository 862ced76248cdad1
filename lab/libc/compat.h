/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Included before each program that was handed in: gcc 14 refuses what gcc 12 warns of, and
 * the same program is to get the same verdict from both. No header may be included here: what
 * the program defines first has to come first.
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
