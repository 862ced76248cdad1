#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Check everything that the lab needs, one line each, with the command that repairs a fault; exit status 1 if the lab
# cannot run. Changes nothing. This file has the checks that need only a shell, lab/grade/src/cli/doctor.rs the rest.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -uo pipefail
cd "$IPCLAB_CHECKOUT" || exit
# shellcheck source-path=SCRIPTDIR
. lab/needs.sh

# Space on a disk or in memory, in GiB with one digit.
gib() { awk -v kib="$1" 'BEGIN { printf "%.1f GiB", kib / 1048576 }'; }

# Before anything is built, because a linker reports a full disk unclearly.
line_disk() { # name, directory, KiB of the first run
	local place=$2 free trouble=''
	until [[ -d $place ]]; do place=$(dirname "$place"); done
	free=$(df --output=avail -k "$place" | tail -n 1)
	((free >= $3)) ||
		trouble="expected $(gib "$3") free in $2, found $(gib "$free"); to mend it: free some space there, for example with make clean-cache"
	line "$1" "$trouble" "$(gib "$free") free in $2"
}

line_memory() {
	local available trouble='' needed=1048576
	available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	((available >= needed)) ||
		trouble="expected $(gib $needed) available, found $(gib "$available"); to mend it: end some programs"
	line memory "$trouble" "$(gib "$available") available"
}

status=0
line() { # name, the fault or nothing, the text without a fault
	if [[ -z $2 ]]; then
		echo "ok       $1: $3"
	else
		echo "missing  $1: $2"
		status=1
	fi
}

trouble=$(system_trouble)
line system "$trouble" "$(os_release PRETTY_NAME), $(uname -m)"
if ! type -P dpkg-query >/dev/null; then
	missing_elsewhere
	line cargo "$(cargo_trouble)" "$(cargo --version 2>/dev/null)"
	echo "not checked: kernels, disk, memory, KVM (they need Debian's packages)"
	exit 1
fi
where=$BUILD
[[ $BUILD == "$IPCLAB_CHECKOUT/build" ]] || where="$BUILD instead of build/ in the checkout"
line path "" "builds in $where"
# Make and cargo rebuild files with a later time, and servers' certificates seem invalid.
young=$(find Cargo.toml Makefile lab kernel -newermt '1 hour' -print -quit)
line clock "${young:+it is $(date '+%F %T'), but $young has a later time; to mend it: ${as_root}timedatectl set-ntp true, or touch the file}" \
	"$(date '+%F %T')"
mapfile -t pairs < <(missing base)
names=()
for ((i = 0; i < ${#pairs[@]}; i += 2)); do names+=("${pairs[i]}"); done
line packages "${names[*]}${names:+; to mend it: lab/setup.sh}" "all $(table | grep -c '^base') are installed"
line cargo "$(cargo_trouble)" "$(cargo --version 2>/dev/null)"
found=$(virtme_ng)
line virtme-ng "$([[ $found ]] || echo "not in $venv; to mend it: lab/setup.sh")" "$found"
[[ $(stock_release) ]] || line "stock kernel" "not in $cache; to mend it: lab/setup.sh"
line_disk "disk for the cache" "$cache" 1048576
line_disk "disk for build/" "$BUILD" "$([[ -d $BUILD/target ]] && echo 524288 || echo 2097152)"
line_memory
if ((status)); then
	echo "not checked: kernels, KVM, sandbox (the lines above must be ok first)"
	exit 1
fi
exec lab/lab.sh doctor
