#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The needs of lab/setup.sh, lab/doctor.sh and lab/lint.sh. They read this file; it does nothing itself.
# shellcheck disable=SC2034 # other scripts use the variables

cache=$IPCLAB_CACHE
requirement=$(<"$IPCLAB_CHECKOUT/lab/requirements.txt")
venv=$cache/${requirement/==/-}
# The oldest accepted virtme-ng of a distribution, because it needs an init of its own. Debian 13 has 1.35, which has
# only an init in bash. With the init of PyPI's 1.35, no machine starts on busybox.
minimum_virtme_ng=1.42
# The spelling checker of make lint: the last version that compiles with the lab's oldest Rust.
typos_version=1.42.3
typos=$cache/typos-$typos_version/bin/typos
minimum_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$IPCLAB_CHECKOUT/Cargo.toml")
container='podman build -t ipclab -f lab/container/Containerfile . && podman run --rm -it -v .:/work ipclab make part2'

as_root=""
((EUID == 0)) || as_root="sudo "

# Whether the second of two versions is at least the first.
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

# A field of the system's description (os-release(5)).
os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" /etc/os-release 2>/dev/null; }

# The reason why this system is unsuitable, if any.
system_trouble() {
	local name machine
	machine=$(uname -m)
	name=$(os_release PRETTY_NAME)
	if [[ $machine != x86_64 ]]; then
		echo "this processor is $machine; the lab runs on x86_64"
	elif [[ $(os_release ID) != debian || ! $(os_release VERSION_ID) =~ ^1[23]$ ]]; then
		echo "this is ${name:-an unknown system}; set-up works on Debian 12 and 13 only. On other systems use the container: $container"
	fi
}

# The table of packages, without spaces around its fields.
table() {
	sed "/^#/d; s/ *| */|/g; s/VERSION/$(<"$IPCLAB_CHECKOUT/lab/kernels/source.txt")/" "$IPCLAB_CHECKOUT/lab/packages.txt"
}

# The missing packages of some kind: package and purpose, one per line.
missing() { # base, test, kernel, lint, book-test, fresh-test or slurm-test
	local when probe reason debian rest
	while IFS='|' read -r when probe reason debian rest; do
		[[ $when == "$1" ]] || continue
		# The makers of Node.js have one package for node and npm, which conflicts with Debian's npm.
		[[ $debian != npm ]] || ! type -P npm >/dev/null || continue
		installed "$debian" || printf '%s\n%s\n' "$debian" "$reason"
	done < <(table)
}

# The same without dpkg, by program or file, with the names of the packages on that system.
missing_elsewhere() {
	local when probe reason debian fedora arch alpine names=() name
	while IFS='|' read -r when probe reason debian fedora arch alpine; do
		[[ $when == base ]] || continue
		case $probe in
		/*) [[ ! -e $probe ]] || continue ;;
		*) ! type -P "$probe" >/dev/null || continue ;;
		esac
		names=()
		for name in "Debian:$debian" "Fedora:$fedora" "Arch:$arch" "Alpine:$alpine"; do
			[[ -z ${name#*:} ]] || names+=("${name/:/ }")
		done
		printf -v names '%s, ' "${names[@]}"
		printf 'missing  %s: %s; package: %s\n' "$probe" "$reason" "${names%, }"
	done < <(table)
}

# The newest unpacked stock kernel: its image, and the files for building modules.
stock_release() {
	local image release
	for image in "$cache"/stock-*/boot/vmlinuz-*; do
		release=${image##*/vmlinuz-}
		[[ ! -e $cache/stock-$release/usr/src/linux-headers-$release/Makefile ]] || echo "$release"
	done | sort -V | tail -n 1
}

# The virtme-ng that is used; empty if there is none. A virtme-ng that was installed for another Python, before the
# system was upgraded, does not count.
virtme_ng() {
	local version
	if [[ -e $venv/.complete && $(<"$venv/.complete") == "$(/usr/bin/python3 --version)" ]]; then
		echo "${requirement#*==} in $venv"
	elif [[ -x /usr/bin/virtme-run ]] && compgen -G '/usr/lib/python3*/*-packages/virtme/guest/bin/virtme-ng-init' >/dev/null; then
		version=$(dpkg-query -W -f '${Version}' virtme-ng 2>/dev/null) || return 0
		! at_least "$minimum_virtme_ng" "$version" || echo "$version of the distribution"
	fi
}

rustup_command="$as_root"'apt-get install curl && curl --proto =https -sSf https://sh.rustup.rs | sh && . ~/.cargo/env'

# What make lint lacks of Rust, if anything. rustup's minimal profile and Debian's packages have no clippy.
lint_trouble() {
	local part list missing=()
	for part in fmt clippy; do
		cargo "$part" --version >/dev/null 2>&1 || missing+=("cargo $part")
	done
	((${#missing[@]})) || return 0
	list=${missing[*]/%/,}
	if type -P rustup >/dev/null; then
		echo "${list%,} cannot be run; get it with: rustup component add rustfmt clippy"
	else
		echo "${list%,} cannot be run; get it with Rust's own: $rustup_command"
	fi
}

# The fault of cargo, if any.
cargo_trouble() {
	local version rustup
	rustup="${as_root}apt-get install cargo-web, or Rust's own with: $rustup_command"
	if [[ -n ${SUDO_USER-} ]] && ! cargo --version >/dev/null 2>&1; then
		echo "root has no cargo; run the command without sudo. Set-up calls sudo itself where it needs root"
	elif ! version=$(cargo --version 2>/dev/null); then
		echo "cargo is not installed; $minimum_rust or newer is needed, get it with: $rustup"
	else
		version=${version#cargo }
		version=${version%% *}
		if at_least "$minimum_rust" "$version"; then
			:
		elif type -P rustup >/dev/null; then
			echo "cargo is $version and $minimum_rust or newer is needed; get it with: rustup update stable"
		else
			echo "cargo is $version and $minimum_rust or newer is needed; get it with: $rustup"
		fi
	fi
}
