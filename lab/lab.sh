#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Run the lab's program, built if need be. exec all the way: a signal for make's child reaches it.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail
lab=$("$IPCLAB_CHECKOUT/lab/built.sh" lab lab)
# For lab/grade.sh --no-build.
printf '%s\n' "$lab" >"$BUILD/.lab-program.$$"
mv -f "$BUILD/.lab-program.$$" "$BUILD/.lab-program"
# Files are named from where we were called.
exec "$lab" "$@"
