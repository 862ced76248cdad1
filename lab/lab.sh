#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Run the program that has this command, and build it if necessary. Every step uses exec, so a signal for make's child
# reaches the program.
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
	grade | hint | starter | verify | doctor | completions) program=lab-grade && break ;;
	soak | fuzz) program=lab-fuzz && break ;;
	bench | bench-machines) program=lab-measure && break ;;
	watch) program=lab-watch && break ;;
	*) break ;;
	esac
done
begin=$EPOCHSECONDS
path=$("$IPCLAB_CHECKOUT/lab/built.sh" "$program")
# lab/grade.sh --no-build and lab/quick.sh read it. A source that changed during the build is newer.
printf '%s\n' "$path" >"$BUILD/.$program.$$"
touch -d "@$begin" "$BUILD/.$program.$$"
mv -f "$BUILD/.$program.$$" "$BUILD/.$program-program"
# Relative file names refer to the caller's directory.
exec "$path" "$@"
