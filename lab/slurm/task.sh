#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# One task of a job array: grade one submission of a batch. lab/slurm/grade.sh submits it.
#
#   task.sh PROGRAM FOLDER LIST     line SLURM_ARRAY_TASK_ID of LIST, from 0, is the submission's number
set -euo pipefail
program=$1 folder=$2 list=$3
number=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$list")
exec "$program" array one "$folder" "$number"
