#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Check everything, one line each; exit status 1 if the lab cannot run.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
if ! lab/setup.sh --check; then
	echo "not checked: kernels, disk, memory, KVM (they need the above)"
	exit 1
fi
exec lab/lab.sh doctor
