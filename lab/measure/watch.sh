#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   lab/measure/watch.sh STAGE STEP FILE [TIMES]
#
# Measure the time from a save to the verdict of make watch: the median of TIMES=20. Each save adds a line to FILE,
# which has its old text again at the end. For example:
#
#   lab/measure/watch.sh part2 pubsub kernel/nl_pubsub/nl_pubsub.c
#   lab/measure/watch.sh part2 pubsub part2-netlink/src/bin/pubsub.rs
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/../env.sh" "$0" "$@"
set -euo pipefail
stage=$1 step=$2 file=$3 times=${4:-20}
cd "$IPCLAB_CHECKOUT"
old=$(mktemp)
cp -p -- "$file" "$old"
coproc watch { STEP=$step exec lab/lab.sh watch "$stage"; }
pid=$!
# A pipeline has no access to the descriptors of a coprocess.
exec {lines}<&"${watch[0]}"
trap 'kill "$pid" 2>/dev/null || true; cp -p -- "$old" "$file"; rm -f "$old"' EXIT

# The line that ends a run, such as "pubsub pass, 2.3 s: 9 steps".
verdict() {
	local line=
	while IFS= read -r -u "$lines" line; do
		[[ ! $line =~ ^"$step "[A-Za-z]+", "([0-9.]+)" s" ]] || break
	done
	[[ $line == "$step pass, "* ]] || { echo "expected a pass, found: $line" >&2; exit 1; }
}

verdict
for ((n = 0; n < times; n++)); do
	begin=${EPOCHREALTIME/./}
	echo "/* save $n */" >>"$file"
	verdict
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
done | sort -n | awk -v what="$file" '
	{ ms[NR] = $1 }
	END { printf "%s: median %.1f s, from %.1f to %.1f s, of %d\n", what, ms[int((NR + 1) / 2)] / 1000, ms[1] / 1000, ms[NR] / 1000, NR }'
uptime
