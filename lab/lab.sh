#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Run the lab's program, built if need be. exec all the way: a signal for make's child reaches it.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
# No wish is the same as an empty one.
[[ -n ${KERNEL-} ]] || unset KERNEL
[[ -n ${MACHINE-} ]] || unset MACHINE
lab=$checkout/build/target/debug/lab
quiet=--quiet
# The first build takes a minute: show that it is going on.
[[ -x $lab ]] || quiet=
if ! (cd "$checkout" && cargo build $quiet --locked --package lab); then
	free=$(df -k --output=avail "$checkout" | tail -n 1)
	# A linker without space does not say so.
	((free > 200000)) || echo "lab: only $((free / 1024)) MiB are free in $checkout; make room and run it again" >&2
	exit 1
fi
# Files are named from where we were called.
exec "$lab" "$@"
