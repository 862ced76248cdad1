#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# cc.sh ANSWERS COMPILER ARGUMENT...: a compiler that remembers, in the directory ANSWERS, which
# options it takes. Kbuild asks it some forty times for each module (cc-option in
# scripts/Makefile.compiler), which takes longer than to compile one.
set -eu
answers=$1
shift
all="$*"
case $all in
*" -c -x c /dev/null -o "*/.tmp_*/tmp) ;;
*) exec "$@" ;;
esac
question=$(printf %s "${all% -o *}" | sha1sum)
answer=$answers/${question%% *}
[[ ! -e $answer.yes ]] || exit 0
[[ ! -e $answer.no ]] || exit 1
status=0
said=$("$@" 2>&1) || status=$?
# What fails may have failed for another reason, and says so.
case $status/$said in
0/*) word=yes ;;
*unknown* | *unrecognized* | *unsupported*) word=no ;;
*) exit $status ;;
esac
# A sandbox may look, and not write.
[[ ! -w $answers ]] || : >"$answer.$word"
exit $status
