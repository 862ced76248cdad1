#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Set up whatever is missing, and say what and why before it is done.
#
#   lab/setup.sh            what `make part2` and `make test` need
#   lab/setup.sh kernel     and what building the lab and the debug kernel needs
#   lab/setup.sh lint       and what `make lint` needs
#   lab/setup.sh fresh-test what `make fresh-test` needs, and nothing else
#   lab/setup.sh --check    change nothing; one line for each thing, exit status 1 if one is missing
#
# Quiet when there is nothing to do. Every step can be interrupted and is completed by the next run.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -Eeuo pipefail
cd "$IPCLAB_CHECKOUT"

cache=$IPCLAB_CACHE
requirement=$(cat lab/requirements.txt)
venv=$cache/${requirement/==/-}
bindgen_version=0.72.1

# Package and what it is for, in the order in which they are missed.
base_packages=(
	gcc "compiles modules and links programs"
	libc6-dev "the C library, also for static programs"
	make "builds modules"
	qemu-system-x86 "runs the machines"
	busybox-static "the machines' shell and tools"
	bubblewrap "keeps what compiles a submission away from your files"
	linux-headers-amd64 "what modules for the stock kernel are built against"
	kmod "depmod: which module of the stock kernel needs which"
	file "virtme-ng asks it for a kernel's version"
	python3-venv "a place for virtme-ng"
	ca-certificates "downloading"
)
kernel_packages=(
	linux-source-6.12 "the source of the lab and the debug kernel"
	xz-utils "unpacking it"
	flex "its configuration"
	bison "its configuration"
	bc "its build"
	cpio "its build"
	libelf-dev "objtool"
	libssl-dev "its certificates"
	rustc-web "Rust in the kernel: a compiler with its library's source"
	rust-web-src "Rust in the kernel: that source"
	libclang-dev "Rust in the kernel: bindgen reads the kernel's headers with it"
	clang "compiles the debug kernel: KASAN and Rust together need it"
	lld "links the debug kernel"
)
lint_packages=(
	linux-source-6.12 "checkpatch"
	xz-utils "unpacking it"
	git "lists the files"
	perl "runs checkpatch"
	sparse "checks the modules' address spaces and locks"
	shellcheck "checks the scripts"
)
fresh_test_packages=(
	debootstrap "makes the machine: a minimal Debian in a directory"
	git "clones the checkout into it"
)

say() { printf 'setup: %s\n' "$*" >&2; }
# What was being done, for the message if it fails.
doing="starting"
trap 'status=$?; say "stopped while $doing"; say "is the network there, and space on the disk? Run the same command again to go on from there"; exit $status' ERR

installed() { [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

# From name/reason pairs, those that are not installed.
missing_of() {
	while (($#)); do
		installed "$1" || printf '%s\n%s\n' "$1" "$2"
		shift 2
	done
}

# The newest kernel that headers are installed for.
stock_release() {
	local headers
	for headers in /usr/src/linux-headers-*-amd64; do
		case $headers in *cloud* | *rt* | *'*'*) ;; *) echo "${headers#/usr/src/linux-headers-}" ;; esac
	done | sort -V | tail -n 1
}

minimum_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
install_rust='apt-get install curl && curl --proto =https -sSf https://sh.rustup.rs | sh && . ~/.cargo/env'
((EUID == 0)) || install_rust="sudo $install_rust"

# Says what is wrong with cargo, if anything.
cargo_trouble() {
	local version
	if ! version=$(cargo --version 2>/dev/null); then
		echo "cargo is not installed; install Rust $minimum_rust or newer with: $install_rust"
		return
	fi
	version=${version#cargo }
	version=${version%% *}
	if [[ $(printf '%s\n' "$minimum_rust" "$version" | sort -V | head -n 1) != "$minimum_rust" ]]; then
		if command -v rustup >/dev/null; then
			echo "cargo is $version and $minimum_rust or newer is needed; get it with: rustup update stable"
		else
			echo "cargo is $version and $minimum_rust or newer is needed; Debian's is too old, so install Rust's own with: $install_rust"
		fi
	fi
}

check() {
	local trouble pairs status=0 release
	trap - ERR
	line() { # name, empty or what is wrong, what is right
		if [[ -z $2 ]]; then
			echo "ok       $1: $3"
		else
			echo "missing  $1: $2"
			status=1
		fi
	}
	if ! command -v dpkg-query >/dev/null; then
		echo "missing  Debian: this is not a Debian system; packages with these files are needed:"
		echo "         qemu-system-x86_64, a static busybox, kernel headers, gcc, make, depmod, file, python3 with venv"
		return 1
	fi
	mapfile -t pairs < <(missing_of "${base_packages[@]}")
	line packages "${pairs[0]:+$(names "${pairs[@]}"); to mend it: lab/setup.sh}" "all $((${#base_packages[@]} / 2)) are installed"
	trouble=$(cargo_trouble)
	line cargo "$trouble" "$(cargo --version 2>/dev/null)"
	trouble=""
	[[ -e $venv/.complete ]] || trouble="not in $venv; to mend it: lab/setup.sh"
	line virtme-ng "$trouble" "${requirement#*==} in $venv"
	release=$(stock_release)
	trouble=""
	[[ -n $release && -e $cache/stock-$release/boot/vmlinuz-$release ]] ||
		trouble="not in $cache; to mend it: lab/setup.sh"
	line "stock image" "$trouble" "$release"
	return $status
}

names() {
	local all=()
	while (($#)); do
		all+=("$1")
		shift 2
	done
	echo "${all[*]}"
}

install_packages() {
	local pairs list i
	mapfile -t pairs < <(missing_of "$@")
	((${#pairs[@]})) || return 0
	list=$(names "${pairs[@]}")
	say "installing Debian packages:"
	for ((i = 0; i < ${#pairs[@]}; i += 2)); do
		say "  ${pairs[i]} - ${pairs[i + 1]}"
	done
	local as_root=()
	if ((EUID)); then
		if ! command -v sudo >/dev/null; then
			say "this needs root, and there is no sudo; run as root:"
			say "  apt-get update && apt-get install -y --no-install-recommends $list"
			exit 1
		fi
		as_root=(sudo)
	fi
	doing="installing Debian packages ($list)"
	# A half-finished earlier installation is completed first; apt refuses to go on otherwise.
	"${as_root[@]}" dpkg --configure -a >&2
	quietly "${as_root[@]}" apt-get -q update
	# shellcheck disable=SC2086 # a list of words
	quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $list
}

# Run a command; what it says is shown only if it fails.
quietly() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

install_virtme_ng() {
	[[ -e $venv/.complete ]] && return
	say "installing $requirement - boots kernels in QEMU - into $venv"
	doing="installing $requirement from PyPI"
	# A virtual environment cannot be moved to its place once it is whole: a stamp says so instead.
	rm -rf "$venv"
	quietly /usr/bin/python3 -m venv "$venv"
	quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -r lab/requirements.txt
	touch "$venv/.complete"
}

# The image that belongs to the installed headers, unpacked beside the lab's other files and not
# installed: a teaching lab has no business in /boot.
unpack_stock_image() {
	local release target
	release=$(stock_release)
	target=$cache/stock-$release
	[[ -n $release && -e $target/boot/vmlinuz-$release ]] && return
	[[ -n $release ]] || { doing="looking for kernel headers in /usr/src"; return 1; }
	say "downloading linux-image-$release (70 MB) - the stock kernel - into $target"
	doing="downloading linux-image-$release"
	rm -rf "$target.partial"
	mkdir -p "$target.partial"
	quietly env -C "$target.partial" apt-get -q download "linux-image-$release"
	doing="unpacking linux-image-$release"
	# Without the drivers of hardware that a virtual machine does not have: 100 MB, not 400.
	# Modules are in ./lib before Debian 13, and in ./usr/lib since then.
	dpkg-deb --fsys-tarfile "$target.partial"/*.deb | tar -x -C "$target.partial" \
		--exclude='*/kernel/drivers/[adeghilmnpstu]*' --exclude='*/kernel/sound' \
		--transform='s,^\./usr/lib/,./lib/,' --wildcards './boot/*' '*/lib/modules/*'
	rm "$target.partial"/*.deb
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$target.partial" "$release"
	mv "$target.partial" "$target"
}

install_bindgen() {
	[[ -x $cache/bindgen/bin/bindgen ]] && return
	say "installing bindgen $bindgen_version - Rust in the kernel: bindings to its C headers - into $cache/bindgen"
	doing="installing bindgen-cli from crates.io"
	quietly cargo install --quiet --locked --root "$cache/bindgen" --target-dir "$BUILD/bindgen" \
		bindgen-cli --version "=$bindgen_version"
}

case ${1-} in
--check)
	check
	exit
	;;
"" | kernel | lint | fresh-test) ;;
*)
	echo "usage: lab/setup.sh [kernel|lint|fresh-test|--check]" >&2
	exit 2
	;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	say "this is not a Debian system; \`make doctor\` names what has to be there"
	exit 1
fi
trouble=$(cargo_trouble)
if [[ -n $trouble ]]; then
	say "$trouble"
	exit 1
fi
mkdir -p "$cache"
# One at a time: a second run waits, and then finds everything done.
exec 9>"$cache/.setup.lock"
flock 9

packages=("${base_packages[@]}")
[[ ${1-} == kernel ]] && packages+=("${kernel_packages[@]}")
[[ ${1-} == lint ]] && packages+=("${lint_packages[@]}")
[[ ${1-} == fresh-test ]] && packages=("${fresh_test_packages[@]}")
install_packages "${packages[@]}"
if [[ ${1-} == fresh-test ]]; then exit; fi
install_virtme_ng
unpack_stock_image
if [[ ${1-} == kernel ]]; then install_bindgen; fi
