/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * <string.h> without the declarations of strlcpy and strlcat. glibc has them
 * since 2.38, and a program's own static function of that name would not
 * compile. No include guard, because the C library has its own.
 */
#pragma push_macro("strlcpy")
#pragma push_macro("strlcat")
#undef strlcpy
#undef strlcat
#define strlcpy ipclab_hidden_strlcpy
#define strlcat ipclab_hidden_strlcat
#include_next <string.h>
#undef strlcpy
#undef strlcat
#pragma pop_macro("strlcpy")
#pragma pop_macro("strlcat")
