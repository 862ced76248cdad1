#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Make the book in build/book/, and print its first page.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/../env.sh" "$0" "$@"
set -euo pipefail
[[ -e $BUILD/book ]] || echo "book: the first run compiles mdBook, which takes two to four minutes" >&2
program=$("$IPCLAB_CHECKOUT/lab/built.sh" lab-book)
# One run at a time writes there.
exec 9>"$BUILD/.book.lock"
flock 9
exec "$program"
