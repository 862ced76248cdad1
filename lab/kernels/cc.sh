#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# cc.sh ANSWERS COMPILER ARGUMENT...: a compiler that caches, in the directory ANSWERS, the options that it supports.
# Kbuild asks for some forty options per module (cc-option in scripts/Makefile.compiler), which takes longer than
# compiling it.
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
# A call may fail for another reason, which its output names.
case $status/$said in
0/*) word=yes ;;
*unknown* | *unrecognized* | *unsupported*) word=no ;;
*) exit $status ;;
esac
# A sandbox may read the cache, but not write to it.
[[ ! -w $answers ]] || : >"$answer.$word"
exit $status
