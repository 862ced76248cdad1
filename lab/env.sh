#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
#   lab/env.sh COMMAND [ARGUMENT...]
#
# Run a command in the environment that the lab states: the variables in lab/environment.txt, and
#
#   BUILD             files built from this checkout (build/ in it, or the user's choice)
#   IPCLAB_CACHE      files that all checkouts share
#   IPCLAB_CHECKOUT   the checkout
#   IPCLAB_ENV        set; without it, scripts of the lab start themselves again through this one
#
# The first two are paths that every tool accepts: the kernel's build accepts no spaces. The option -p keeps bash from
# reading BASH_ENV, SHELLOPTS, CDPATH and functions of the environment.
set -euo pipefail
umask 022
export LC_ALL=C

fail() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# Whether make, Kbuild, QEMU and cargo accept a path.
plain() { [[ $1 != *[!A-Za-z0-9/._+-]* ]]; }

# Whether a directory exists or can be made, and is writable.
usable() { mkdir -p -- "$1" 2>/dev/null && [[ -w $1 && -x $1 ]]; }

# A directory of this user only, with replacements for paths that tools do not accept.
private() {
	local directory=/var/tmp/ipclab-$EUID
	mkdir -m 700 -- "$directory" 2>/dev/null || true
	[[ -d $directory && ! -L $directory && -O $directory ]] ||
		fail "expected $directory to be a directory of user $EUID alone; remove it"
	echo "$directory"
}

here=$(readlink -f -- "$0")
checkout=${here%/lab/env.sh}

home=${HOME-}
if [[ -z $home || ! -d $home ]]; then
	home=$(getent passwd "$EUID" | cut -d : -f 6) || home=
fi

cache=${XDG_CACHE_HOME-}
[[ $cache == /* ]] || cache=$home/.cache
cache=${IPCLAB_CACHE:-$cache/ipclab}
if ! plain "$cache" || ! usable "$cache" || [[ -e $cache/.setup.lock && ! -w $cache/.setup.lock ]]; then
	other=$cache
	cache=$(private)/cache
	# Printed once, when the other cache is made.
	[[ -e $cache ]] || echo "lab: $other cannot be used, because it belongs to another user or has special characters; using $cache" >&2
	usable "$cache" || fail "neither $other nor $cache can be written to"
fi

if [[ -n ${BUILD-} ]]; then
	wished=$(readlink -m -- "$BUILD")
	# make clean removes it.
	if [[ -e $wished && ! -e $wished/.checkout && -n $(ls -A -- "$wished" 2>/dev/null) ]]; then
		fail "BUILD: expected an empty directory, or one where the lab has built before, found $wished"
	fi
else
	wished=$checkout/build
fi
build=$wished
link=$checkout/build
if [[ -L $link && $(readlink -- "$link") == /var/tmp/ipclab-*/build-* ]]; then old=$(readlink -- "$link"); else old=; fi
if ! plain "$build"; then
	build=$(private)/build-$(printf %s "$wished" | sha1sum | cut -c 1-12)
	if [[ ! -e $build ]]; then
		echo "lab: the kernel's build does not accept the path $wished; building in $build" >&2
		# Build directories of removed checkouts.
		for other in "${build%/*}"/build-*; do
			[[ ! -e $other/.checkout || -e $(<"$other/.checkout") ]] || rm -rf -- "$other"
		done
	fi
	# People look for build/ in the checkout.
	if [[ $wished == "$link" && $old != "$build" ]] && [[ -n $old || ! -e $link ]]; then
		ln -sfn -- "$build" "$link" 2>/dev/null || true
	fi
elif [[ $build == "$link" && -n $old ]]; then
	# The checkout was moved from a path that tools did not accept.
	rm -f -- "$link"
fi
usable "$build" ||
	fail "$wished cannot be written to; name another directory, for example: make part2 BUILD=/var/tmp/ipclab"

# Programs that cargo has built contain the path of their checkout, and would read the files of another.
from=$build/.checkout
if [[ ! -e $from || $(<"$from") != "$checkout" ]]; then
	if [[ -e $from ]]; then
		echo "lab: the checkout was moved; its programs are built again" >&2
		rm -rf -- "$build/target"
	fi
	printf '%s\n' "$checkout" >"$from"
fi

if [[ ! -d ${TMPDIR-} || ! -w ${TMPDIR-} ]]; then TMPDIR=; fi

stated=()
while IFS= read -r name; do
	[[ -n $name && $name != \#* ]] || continue
	if [[ $name == *\* ]]; then
		mapfile -t names < <(compgen -e -- "${name%\*}")
	else
		names=("$name")
	fi
	for name in "${names[@]}"; do
		# An empty variable is the same as an unset one.
		[[ -z ${!name-} ]] || stated+=("$name=${!name}")
	done
done <"$checkout/lab/environment.txt"

# Programs of the system come before programs of the same name in the user's directories.
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cargo=$(type -P cargo) || cargo=${CARGO_HOME:-$home/.cargo}/bin/cargo
[[ ! -x $cargo ]] || path=${cargo%/*}:$path
path+=${PATH:+:$PATH}

[[ -z $home ]] || stated+=("HOME=$home")
stated+=("PATH=$path" "LC_ALL=C" "BUILD=$build" "IPCLAB_CACHE=$cache" "IPCLAB_CHECKOUT=$checkout"
	"IPCLAB_ENV=1" "CARGO_TARGET_DIR=$build/target")
# HOME may be unwritable, as in a container that runs as any user.
if [[ -z ${CARGO_HOME-} ]] && ! usable "$home/.cargo"; then
	stated+=("CARGO_HOME=$cache/cargo")
fi
exec env -i "${stated[@]}" "$@"
