#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Grade a submission, or without one this tree; lab/grade.sh --help says how.
# Exit status: 0 full score, 1 points lost, 2 usage or unreadable submission, 3 the machinery failed.
set -euo pipefail
lab=$(dirname "$0")
"$lab/setup.sh" || exit 3
# Where cargo cannot build the lab, it is the machinery that failed.
"$lab/lab.sh" --version >/dev/null || exit 3
exec "$lab/lab.sh" grade "$@"
