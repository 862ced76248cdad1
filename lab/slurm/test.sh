#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Grade a small class on a Slurm cluster of one node, whose node dies in the middle, and compare the table with that of
# a batch on this machine. Exit status 0 only if both are the same.
#
# The cluster has its own directory, key, ports and sockets. All runs in PID and mount namespaces of its own, so the
# kernel removes every process when the test ends in any way.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/../env.sh" "$0" "$@"
set -euo pipefail

say() { printf 'slurm-test: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

script=$IPCLAB_CHECKOUT/lab/slurm/test.sh
((EUID == 0)) || die "starting a cluster needs root; run: sudo env HOME=\"\$HOME\" PATH=\"\$PATH\" make slurm-test"
if [[ ${1-} != inside ]]; then
	exec setpriv --pdeathsig KILL unshare --mount --mount-proc --pid --fork --kill-child bash -p "$script" inside
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' INT TERM HUP
cd "$directory"
mkdir state spool class

# Wait for something, two minutes at most.
until_true() { # description, command...
	local _
	for _ in {1..600}; do
		! "${@:2}" >/dev/null 2>&1 || return 0
		sleep 0.2
	done
	tail -n 20 ./*.log >&2
	die "waited too long for $1"
}

# Two ports that are free.
ports() {
	python3 -c 'import socket
all = [socket.socket() for _ in range(2)]
for one in all: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in all))'
}

start_cluster() {
	local name ctld_port node_port
	name=$(uname -n)
	read -r ctld_port node_port < <(ports)
	dd if=/dev/urandom of=key bs=1024 count=1 status=none
	chmod 400 key
	munged --foreground --force --num-threads=2 --socket="$directory/munge" --key-file="$directory/key" \
		--pid-file="$directory/munged.pid" --log-file="$directory/munged.log" --seed-file="$directory/seed" &
	until_true "munged" test -S munge
	cat >slurm.conf <<-END
		ClusterName=ipclab
		SlurmctldHost=$name(127.0.0.1)
		SlurmctldPort=$ctld_port
		SlurmdPort=$node_port
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		CredType=cred/munge
		AuthInfo=socket=$directory/munge
		StateSaveLocation=$directory/state
		SlurmdSpoolDir=$directory/spool
		SlurmctldPidFile=$directory/slurmctld.pid
		SlurmdPidFile=$directory/slurmd.pid
		SlurmctldLogFile=$directory/slurmctld.log
		SlurmdLogFile=$directory/slurmd.log
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		MpiDefault=none
		ReturnToService=2
		MaxArraySize=4
		NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
		PartitionName=lab Nodes=$name Default=YES MaxTime=INFINITE State=UP
	END
	[[ $(slurmd -V) == "slurm-wlm 22."* ]] || echo "CgroupPlugin=disabled" >cgroup.conf
	export SLURM_CONF=$directory/slurm.conf
	slurmctld -D >>slurmctld.out 2>&1 &
	until_true "slurmctld" scontrol ping
	start_node
}

start_node() {
	slurmd -D >>slurmd.out 2>&1 &
	until_true "a node that works" node_works
}

node_works() { [[ $(sinfo --noheader --format=%T) =~ ^(idle|mixed|allocated)$ ]]; }

no_jobs() { [[ -z $(squeue --noheader) ]]; }

# A process and all below it.
below() { # pid
	local children child
	echo "$1"
	read -r -a children < <(cat "/proc/$1/task/"*/children 2>/dev/null) || true
	for child in "${children[@]}"; do below "$child"; done
}

# What the power switch of a node does. All processes are in this namespace.
kill_node() {
	local process name pids=()
	for process in /proc/[0-9]*; do
		{ read -r name <"$process/comm"; } 2>/dev/null || continue
		case $name in
		slurmd | slurmstepd*) mapfile -t -O ${#pids[@]} pids < <(below "${process#/proc/}") ;;
		esac
	done
	kill -KILL "${pids[@]}" 2>/dev/null || true
	scontrol update "nodename=$(uname -n)" state=down reason=test
}

# The table without the seconds.
table() { python3 -c 'import csv, sys
for row in csv.reader(open(sys.argv[1])): print(row[:8] + row[9:])' "$1"; }

has_reports() { [[ $(find "$1/reports" -maxdepth 1 -mindepth 1 2>/dev/null | wc -l) -ge $2 ]]; }

right=$IPCLAB_CHECKOUT/lab/fixtures/submissions/flat_list
for name in a b c d e; do
	mkdir "class/$name"
	# Without its header it does not build.
	cp "$right/message_reader.c" "class/$name/"
done
cp -r "$right" class/right
printf 'Rar!\032\007\000' >class/=packed.rar
class=(class/* class/nowhere)
options=(I2-unknown --seed 1)

say "a batch on this machine"
status=0
"$IPCLAB_CHECKOUT/lab/grade.sh" "${class[@]}" "${options[@]}" --out local >local.log 2>&1 || status=$?
((status == 1)) || { tail -n 20 local.log >&2; die "expected exit status 1 of the batch, found $status"; }

say "the same on a cluster of one node"
start_cluster
grade=("$IPCLAB_CHECKOUT/lab/slurm/grade.sh" "${class[@]}" "${options[@]}" --no-build --out cluster --resume)
# In bash, background processes ignore Ctrl-C.
env --default-signal=INT "${grade[@]}" >first.log 2>&1 &
first=$!
until_true "the first reports" has_reports cluster 2
say "the node dies, and the command is interrupted"
kill_node
kill -INT $first
status=0
wait $first || status=$?
((status == 130)) || { cat first.log >&2; die "expected exit status 130 of the interrupted command, found $status"; }
until_true "the end of the jobs" no_jobs
start_node
say "the node is back, and the command goes on"
status=0
"${grade[@]}" >second.log 2>&1 || status=$?
((status == 1)) || { cat second.log ./*/slurm/*.log >&2; die "expected exit status 1, found $status"; }
diff <(table local/grades.csv) <(table cluster/grades.csv) || die "the tables differ"
[[ ! -e cluster/.attempts && ! -e cluster/slurm ]] || die "something is left in the results folder"

say "a node that dies alone: Slurm itself starts its tasks again"
env --default-signal=INT "${grade[@]/cluster/again}" >third.log 2>&1 &
third=$!
until_true "the first reports" has_reports again 1
kill_node
start_node
status=0
wait $third || status=$?
((status == 1)) || { cat third.log ./*/slurm/*.log >&2; die "expected exit status 1, found $status"; }
diff <(table local/grades.csv) <(table again/grades.csv) || die "the tables differ"
say "passed: three tables are the same"
