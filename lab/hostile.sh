#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   lab/hostile.sh COMMAND [ARGUMENT...]
#
# Run a command in an environment where each variable of a tool is wrong, as users may have them for other purposes.
# make fresh-test runs README's commands in it.
set -euo pipefail
trap_file=$(mktemp)
trap 'rm -f "$trap_file"' EXIT
cat >"$trap_file" <<'END'
set -o noclobber -o nounset
shopt -s expand_aliases
alias cd='echo an alias:' rm=false
IFS=:
END
nowhere=/no/such/place
wrong=(
	# Shells.
	CDPATH=.:..:"$HOME" BASH_ENV="$trap_file" ENV="$trap_file" POSIXLY_CORRECT=1 SHELLOPTS=noclobber:nounset
	"BASH_FUNC_cd%%=() { echo a function; }" GREP_OPTIONS=--color=always TAR_OPTIONS=--verbose XZ_OPT=-9 GZIP=-9
	# cargo and rustc.
	CARGO_TARGET_DIR="$nowhere" CARGO_BUILD_TARGET=wasm32-unknown-unknown CARGO_BUILD_RUSTC=false RUSTC=/bin/false
	RUSTC_WRAPPER=/bin/false RUSTFLAGS=--nonsense CARGO_ENCODED_RUSTFLAGS=--nonsense CARGO_PROFILE_DEV_OPT_LEVEL=bad
	CARGO_TERM_COLOR=always CARGO_TERM_VERBOSE=true CARGO="$nowhere" RUST_BACKTRACE=full
	# make, Kbuild, compilers.
	MAKEFLAGS= MAKELEVEL=7 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- KCFLAGS=-Wnonsense KBUILD_OUTPUT="$nowhere"
	KBUILD_EXTMOD="$nowhere" O="$nowhere" M="$nowhere" V=1 C=2 W=2 LLVM=1 CC=clang-99 LD=false HOSTCC=false
	CFLAGS=-Wbad CPATH="$nowhere" C_INCLUDE_PATH="$nowhere" LIBRARY_PATH="$nowhere" COMPILER_PATH="$nowhere"
	LD_LIBRARY_PATH="$nowhere" LIBCLANG_PATH="$nowhere" GCC_COLORS=error=01\;31
	# Python, git, tests, colour, QEMU.
	PYTHONPATH="$nowhere" PYTHONHOME="$nowhere" PYTHONWARNINGS=error PIP_TARGET="$nowhere" PIP_USER=1
	PIP_REQUIRE_VIRTUALENV=1 VIRTUAL_ENV="$nowhere" GIT_DIR="$nowhere" GIT_WORK_TREE="$nowhere"
	GIT_INDEX_FILE="$nowhere" INSTA_UPDATE=always INSTA_FORCE_UPDATE=1 PROPTEST_CASES=1 CLICOLOR_FORCE=1
	FORCE_COLOR=1 COLORTERM=truecolor NO_COLOR= QEMU_AUDIO_DRV=bad
	# Directories and language.
	TMPDIR="$nowhere" XDG_CACHE_HOME=relative LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 LANGUAGE=de TERM=
	KERNEL= MACHINE= BUILD=
)
umask 077
env "${wrong[@]}" "$@"
