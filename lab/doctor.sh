#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Check everything, one line each; exit status 1 if the lab cannot run.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -uo pipefail
cd "$IPCLAB_CHECKOUT" || exit
if ! lab/setup.sh --check; then
	echo "not checked: kernels, disk, memory, KVM (they need the above)"
	exit 1
fi
exec lab/lab.sh doctor
