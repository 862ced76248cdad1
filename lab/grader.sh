#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The program that grades. lab/grade.sh and lab/slurm/grade.sh read this file with their own arguments. Without
# --no-build it sets up and builds the lab first. If that fails, the machinery has failed.

wanted=true
for argument in "$@"; do
	[[ $argument != --no-build ]] || wanted=false
done
if $wanted; then
	"$IPCLAB_CHECKOUT/lab/setup.sh" || exit 3
	"$IPCLAB_CHECKOUT/lab/lab.sh" grade --help >/dev/null || exit 3
fi
program=$(cat "$BUILD/.lab-grade-program" 2>/dev/null) || program=
[[ -x $program ]] || {
	echo "lab grade: the lab is not built in $BUILD; run lab/grade.sh once without --no-build" >&2
	exit 3
}
