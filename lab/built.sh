#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   lab/built.sh PROGRAM [ARGUMENT...]
#
# Build a program for this host, with more arguments for cargo, and print its path. cargo reports the path, because the
# user's configuration may change it.
#
# cargo chooses the features of crates for all selected packages together. With --workspace they are the same for every
# program, so a second program reuses what was compiled for the first.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail
program=$1
shift
manifest=$IPCLAB_CHECKOUT/Cargo.toml
# The book is a workspace of its own.
[[ $program != lab-book ]] || manifest=$IPCLAB_CHECKOUT/lab/book/Cargo.toml
said=$(mktemp "$BUILD/.cargo-says.XXXXXX")
trap 'rm -f "$said" "$said.err"' EXIT
# cargo prints the names of crates while it compiles. If nothing is compiled, its output is dropped.
if ! cargo build --locked --manifest-path "$manifest" --workspace --bin "$program" \
	--message-format json-render-diagnostics "$@" 2>&1 >"$said" | tee "$said.err" | sed -u '/^ *Finished /d' >&2; then
	free=$(df -k --output=avail "$BUILD" | tail -n 1)
	# A linker reports a full disk unclearly.
	if ((free < 200000)); then
		echo "lab: only $((free / 1024)) MiB are free in $BUILD; make room and run it again" >&2
	elif grep -qi 'no space left\|disk is full' "$said.err"; then
		echo "lab: the disk is full; make room in ${CARGO_HOME:-$HOME/.cargo} and run it again" >&2
	elif grep -qi 'spurious network error\|failed to download\|could not resolve' "$said.err"; then
		echo "lab: cargo could not download a crate. Check the network, then run the same command again; it continues from there." >&2
	fi
	exit 1
fi
sed -n 's/^.*"kind":\["bin"\].*"name":"'"$program"'".*"executable":"\([^"]*\)".*$/\1/p' "$said"
