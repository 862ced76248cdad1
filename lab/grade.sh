#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Grade a submission, or without one this tree; lab/grade.sh --help says how.
# Exit status: 0 full score, 1 points lost, 2 usage or unreadable submission, 3 the machinery failed.
set -euo pipefail
lab=$(dirname "$0")
build=true
for argument in "$@"; do
	[[ $argument != --no-build ]] || build=false
done
if $build; then
	# Where the lab cannot be built, it is the machinery that failed.
	"$lab/setup.sh" || exit 3
	"$lab/lab.sh" --version >/dev/null || exit 3
fi
# No wish is the same as an empty one.
[[ -n ${KERNEL-} ]] || unset KERNEL
[[ -n ${MACHINE-} ]] || unset MACHINE
exec "$lab/../build/target/debug/lab" grade "$@"
