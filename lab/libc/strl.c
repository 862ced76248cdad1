// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Linked to each submitted program: strlcpy and strlcat for programs that call
 * them. glibc has them since 2.38 only. They are weak, so a program's own take
 * precedence.
 */
#include <string.h>

__attribute__((weak)) size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t len = strlen(from);

	if (size) {
		size_t room = len < size ? len : size - 1;

		memcpy(to, from, room);
		to[room] = '\0';
	}
	return len;
}

__attribute__((weak)) size_t strlcat(char *to, const char *from, size_t size)
{
	size_t len = 0;

	while (len < size && to[len])
		len++;
	return len + strlcpy(to + len, from, size - len);
}
