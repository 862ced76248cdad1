#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Measure and compare batches:
#   20 submissions with --jobs 1 and --jobs 2: the times, and whether the tables are the same
#   60 submissions, good, faulty and hostile: one run, and one that is killed twice and resumed; what 3000 would cost
#
#   ONLY=20 or ONLY=60       only these
#   KERNEL=stock|lab|debug   the kernel
#
# Exit status 0 only if all tables are the same, and two jobs take at most 0.6 of the time of one. Run it on a machine
# that does nothing else. Results stay in build/batch-test/.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail

say() { printf 'batch-test: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

case ${ONLY-} in "" | 20 | 60) ;; *) die "expected ONLY=20 or ONLY=60, found '$ONLY'" ;; esac
directory=$BUILD/batch-test
rm -rf "$directory"
mkdir -p "$directory"
cd "$directory"
right=$IPCLAB_CHECKOUT/lab/fixtures/submissions/flat_list
pubsub=$IPCLAB_CHECKOUT/lab/fixtures/submissions/pubsub_loop

# The table without the seconds.
table() { python3 -c 'import csv, sys
for row in csv.reader(open(sys.argv[1])): print(row[:8] + row[9:])' "$1"; }

# A submission that is right, with a line of its module changed.
changed() { # name, sed's command
	cp -r "$right" "$1"
	sed -i "$2" "$1/message_slot.c"
}

# A tenth of a class: its names begin with a number.
ten() { # directory, number
	local at=$1/$2
	mkdir -p "$1"
	cp -r "$right" "$at-right"
	cp -r "$pubsub" "$at-pubsub"
	changed "$at-limit" 's/return -EMSGSIZE/return -EINVAL/'
	changed "$at-endless" 's/return -EWOULDBLOCK;/for (;;) cpu_relax();/'
	changed "$at-null" 's/return -EWOULDBLOCK;/return *(volatile int *)NULL;/'
	changed "$at-syntax" 's/module_init(/module_init((/'
	mkdir "$at-include" "$at-empty"
	printf '#include "/etc/shadow"\n#include "/dev/zero"\n' | cat - "$right/message_slot.c" >"$at-include/message_slot.c"
	printf 'PK\003\004 cut off' >"$at-cut.zip"
	# A formula as a name, and a program that is a link to a file of the host.
	printf 'Rar!\032\007\000' >"$1/=cmd|$2.rar"
	cp -r "$right" "$at-link"
	ln -sf /etc/passwd "$at-link/message_reader.c"
}

grade() { "$IPCLAB_CHECKOUT/lab/grade.sh" "$@" --no-build --seed 1; }

# Run a batch, and print its seconds and its processor seconds. The status is not 2.
timed() { # folder, arguments...
	local status=0 TIMEFORMAT='%R %U %S'
	{ time grade "${@:2}" --out "$1" >"$1.log" 2>&1 || status=$?; } 2>"$1.time" || status=$?
	((status < 2)) || { tail -n 20 "$1.log" >&2; die "expected exit status 0 or 1, found $status"; }
	cat "$1.time"
}

# Kill a batch as soon as it has so many reports.
killed_at() { # folder, reports, arguments...
	local batch
	grade "${@:3}" --out "$1" --resume >>"$1.log" 2>&1 &
	batch=$!
	until [[ $(find "$1/reports" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) -ge $2 ]]; do
		kill -0 $batch 2>/dev/null || die "the batch ended before it was killed; see $directory/$1.log"
		sleep 0.2
	done
	kill -KILL $batch
	wait $batch || true
	say "killed with $(find "$1/reports" -mindepth 1 -maxdepth 1 | wc -l) reports"
}

"$IPCLAB_CHECKOUT/lab/setup.sh"
"$IPCLAB_CHECKOUT/lab/lab.sh" grade --help >/dev/null
# Machines are saved and the lab's own modules are built before anything is measured.
"$IPCLAB_CHECKOUT/lab/grade.sh" "$right" I2-unknown --seed 1 >first.log 2>&1 || die "the lab cannot grade; see $directory/first.log"
status=0

if [[ ${ONLY-20} == 20 ]]; then
	for number in {01..10}; do
		mkdir -p twenty
		cp -r "$right" "twenty/$number-right"
		changed "twenty/$number-limit" 's/return -EMSGSIZE/return -EINVAL/'
	done
	say "20 submissions, one at a time; processor load before: $(cut -d ' ' -f 1 /proc/loadavg)"
	read -r serial _ < <(timed serial twenty/* --jobs 1)
	say "20 submissions, two at a time; the first took $serial s"
	read -r parallel _ < <(timed parallel twenty/* --jobs 2)
	diff <(table serial/grades.csv) <(table parallel/grades.csv) || { say "the tables differ"; status=1; }
	ratio=$(awk "BEGIN { printf \"%.2f\", $parallel / $serial }")
	say "one at a time $serial s, two at a time $parallel s: $ratio of the time"
	awk "BEGIN { exit !($ratio <= 0.6) }" || { say "expected at most 0.6"; status=1; }
fi

if [[ ${ONLY-60} == 60 ]]; then
	for number in 1 2 3 4 5; do ten sixty $number; done
	for number in {6..10}; do cp -r "$right" "sixty/$number-right"; done
	say "$(find sixty -mindepth 1 -maxdepth 1 | wc -l) submissions, one run"
	read -r real user system < <(timed through sixty/*)
	say "one run took $real s, $user s and $system s of processors"
	killed_at killed 15 sixty/*
	killed_at killed 40 sixty/*
	timed killed sixty/* --resume >/dev/null
	diff <(table through/grades.csv) <(table killed/grades.csv) || { say "the tables differ"; status=1; }
	[[ ! -e killed/.attempts ]] || { say "something is left in the results folder"; status=1; }
	awk "BEGIN { printf \"batch-test: 3000 submissions would cost %.0f core hours\n\", ($user + $system) * 50 / 3600 }" >&2
fi
((status)) || say "passed"
exit $status
