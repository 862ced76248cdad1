#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Style, warnings and spelling: Rust, C, shell, pages. Changes nothing but compile_commands.json.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail
cd "$IPCLAB_CHECKOUT"
# shellcheck source-path=SCRIPTDIR
. lab/needs.sh

echo "rustfmt"
cargo fmt --all --check
cargo fmt --check --manifest-path lab/book/Cargo.toml
echo "clippy"
cargo clippy --quiet --workspace --all-targets --all-features --locked -- -D warnings
cargo clippy --quiet --all-targets --locked --manifest-path lab/book/Cargo.toml -- -D warnings

echo "checkpatch"
source=linux-source-$(<lab/kernels/source.txt)
scripts=$cache/checkpatch-${source##*-}
if [[ ! -e $scripts/.complete ]]; then
	rm -rf "$scripts"
	mkdir -p "$scripts"
	tar -xf "/usr/src/$source.tar.xz" -C "$scripts" --strip-components=2 \
		"$source"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
	touch "$scripts/.complete"
fi
git ls-files -z --cached --others --exclude-standard -- '*.c' '*.h' ':!lab/libc' |
	xargs -0 "$scripts/checkpatch.pl" --no-tree --strict --quiet --terse -f

# W=1 C=1: extra warnings and sparse, for every available kernel.
for kernel in stock lab; do
	[[ $kernel == lab ]] && ! compgen -G "$cache/kernel-lab-*/.complete" >/dev/null && continue
	echo "sparse, $kernel kernel"
	KERNEL=$kernel lab/lab.sh modules --strict >/dev/null
done

# As an editor reads each file: no error where the compiler sees none.
echo "clangd"
KERNEL=stock lab/lab.sh editor >/dev/null
mapfile -d '' sources < <(git ls-files -z --cached --others --exclude-standard -- 'kernel/*.c' 'kernel/*.h')
for source in "${sources[@]}"; do
	said=$(clangd-19 --check="$source" --check-locations=0 2>&1) || {
		grep '^E' <<<"$said"
		echo "clangd: $source"
		exit 1
	}
done

echo "shellcheck"
git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -0 shellcheck

echo "typos"
"$typos" --format brief
echo "lint: clean"
