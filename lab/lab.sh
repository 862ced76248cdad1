#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Run the program of the lab that has a subcommand, built if need be. exec all the way: a signal for
# make's child reaches it.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail
program=lab value=false
for word in "$@"; do
	if $value; then
		value=false
		continue
	fi
	case $word in
	--kernel | --machine) value=true ;;
	-* | help) ;;
	grade | hint | starter | verify | doctor) program=lab-grade && break ;;
	soak | fuzz) program=lab-fuzz && break ;;
	bench | bench-machines) program=lab-measure && break ;;
	*) break ;;
	esac
done
path=$("$IPCLAB_CHECKOUT/lab/built.sh" "$program" "$program")
# For lab/grade.sh --no-build.
printf '%s\n' "$path" >"$BUILD/.$program.$$"
mv -f "$BUILD/.$program.$$" "$BUILD/.$program-program"
# Files are named from where we were called.
exec "$path" "$@"
