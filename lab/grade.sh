#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Grade a submission, a class, or this tree by default; lab/grade.sh --help lists the options.
# Exit status: 0 full score, 1 points lost, 2 usage or unreadable submission, 3 the machinery failed.
# Of a class: 0 all were graded, 1 some could not be graded, 2 usage, 3 the machinery failed or was interrupted.
if [[ -z ${IPCLAB_ENV-} ]]; then
	"$(dirname -- "$(readlink -f -- "$0")")/env.sh" true || exit 3
	exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
fi
set -euo pipefail
# shellcheck source=lab/grader.sh
source "$IPCLAB_CHECKOUT/lab/grader.sh"
exec "$program" grade "$@"
