#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   lab/quick.sh PROGRAM COMMAND [ARGUMENT...]
#
# Run a command that needs no machine, for example: lab/quick.sh lab-grade hint. Set-up and cargo take a second or more. They
# are left out if the program is built and no source is newer.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail
# lab/lab.sh writes it, with the time at which the build began.
built=$BUILD/.$1-program
shift
if [[ -s $built ]]; then
	program=$(<"$built")
	newer=$(find "$IPCLAB_CHECKOUT"/{.cargo,Cargo.toml,Cargo.lock,lab,protocol} -newer "$built" -print -quit)
	[[ ! -x $program || -n $newer ]] || exec "$program" "$@"
fi
"$IPCLAB_CHECKOUT/lab/setup.sh"
exec "$IPCLAB_CHECKOUT/lab/lab.sh" "$@"
