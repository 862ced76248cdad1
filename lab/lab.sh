#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Run the lab's program, built if need be. exec all the way: a signal for make's child reaches it.
set -euo pipefail
cd "$(dirname "$0")/.."
# No wish is the same as an empty one.
[[ -n ${KERNEL-} ]] || unset KERNEL
quiet=--quiet
# The first build takes a minute: show that it is going on.
[[ -x build/target/debug/lab ]] || quiet=
cargo build $quiet --locked --package lab
exec build/target/debug/lab "$@"
