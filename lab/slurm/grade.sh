#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Grade a class as a Slurm job array: lab/slurm/grade.sh SUBMISSION... with the options of lab/grade.sh. Slurm schedules:
# each task of the array grades one submission. README.md in this folder says what the cluster has to share.
#
# Exit status: 0 all were graded, 1 some could not be graded, 2 usage, 3 the lab or the cluster failed.
# shellcheck disable=SC2317 # traps call stop
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/../env.sh" "$0" "$@"
set -euo pipefail

say() { printf 'lab/slurm/grade.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 3; }

for command in sbatch squeue scancel scontrol; do
	type -P "$command" >/dev/null || die "expected Slurm's command $command, found none; install Debian's package slurm-client"
done
# shellcheck source=lab/grader.sh
source "$IPCLAB_CHECKOUT/lab/grader.sh"

said=$("$program" array folder "$@") || exit
mapfile -t said <<<"$said"
folder=${said[0]} jobs=${said[1]-}
slurm=$folder/slurm
# A task that still runs would write into the folder that a new plan clears.
if running=$(squeue --noheader --format=%A --states=PENDING,RUNNING,SUSPENDED,COMPLETING,REQUEUED \
	--jobs "$(cat "$slurm/jobs" 2>/dev/null)" 2>/dev/null) && [[ -s $slurm/jobs && -n $running ]]; then
	die "job ${running%%$'\n'*} still grades into $folder; wait for it, or end it with: scancel ${running%%$'\n'*}"
fi
"$program" array plan "$@" || exit
mkdir -p "$slurm"
: >"$slurm/jobs"

longest=$(scontrol show config | sed -n 's/^MaxArraySize *= *//p')
[[ $longest =~ ^[0-9]+$ ]] || die "the cluster does not answer: scontrol show config names no MaxArraySize"

waiter=
# End the tasks, too.
stop() { # exit status
	trap - INT TERM HUP
	[[ -z $waiter ]] || kill "$waiter" 2>/dev/null || true
	if [[ -s $slurm/jobs ]]; then
		scancel "$(<"$slurm/jobs")" || true
		scancel --name="$(end_name)" || true
	fi
	"$program" array gather "$folder" || true
	say "interrupted; what was graded is kept. Go on with the same command and --resume"
	exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP

# The job that begins when all tasks have ended.
end_name() { echo "ipclab-end-$(tr , - <"$slurm/jobs")"; }

# Grade all submissions without a result, and wait for the end.
grade_open() {
	local list job jobs_of_this=()
	rm -f "$slurm"/*.log "$slurm"/list-*
	"$program" array open "$folder" >"$slurm/open"
	[[ -s $slurm/open ]] || return 0
	# An array has at most so many tasks.
	split --lines="$longest" --numeric-suffixes --suffix-length=4 "$slurm/open" "$slurm/list-"
	for list in "$slurm"/list-*; do
		job=$(sbatch --parsable --requeue --job-name=ipclab --cpus-per-task=1 --output="$slurm/%A_%a.log" \
			--array="0-$(($(wc -l <"$list") - 1))${jobs:+%$jobs}" \
			"$IPCLAB_CHECKOUT/lab/slurm/task.sh" "$program" "$folder" "$list") || return
		# With several clusters, sbatch prints the cluster, too.
		jobs_of_this+=("${job%%;*}")
		(IFS=,; echo "${jobs_of_this[*]}") >"$slurm/jobs"
	done
	say "$(wc -l <"$slurm/open") submissions are tasks of job $(<"$slurm/jobs"); squeue shows them"
	sbatch --wait --job-name="$(end_name)" --cpus-per-task=1 --output=/dev/null \
		--dependency="afterany:$(tr , : <"$slurm/jobs")" --wrap=true >/dev/null &
	waiter=$!
	wait $waiter
}

status=0
grade_open || status=$?
# Once more what ended in an error, or changed meanwhile.
((status)) || grade_open || status=$?
((status == 0)) || say "the cluster has not carried out all tasks"
graded=0
"$program" array gather "$folder" || graded=$?
if ((graded == 3)); then
	say "go on with the same command and --resume; what the tasks said is in $slurm"
else
	rm -rf "$slurm"
fi
exit $graded
