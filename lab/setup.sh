#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Install everything that is missing. Each step first prints its name and purpose.
#
#   lab/setup.sh            for `make part2`
#   lab/setup.sh test       also for `make test`
#   lab/setup.sh kernel     also for building the lab and the debug kernel
#   lab/setup.sh lint       also for `make lint`
#   lab/setup.sh book-test  also for `make book-test`
#   lab/setup.sh fresh-test only for `make fresh-test`
#   lab/setup.sh slurm-test also for `make slurm-test`
#
# Prints nothing when everything is installed. Every step can be interrupted, and the next run completes it.
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -Eeuo pipefail
cd "$IPCLAB_CHECKOUT"
# shellcheck source-path=SCRIPTDIR
. lab/needs.sh
bindgen_version=0.72.1
log=$BUILD/setup.log

say() { printf 'setup: %s\n' "$*" >&2; }
# The present step, for the message if it fails.
doing="starting"
watcher=
give_up() {
	local status=$1
	trap - ERR INT TERM HUP
	[[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true
	say "stopped while $doing: $2"
	exit "$status"
}
trap 'give_up $? "$(why) Then run the same command again; it continues from there."' ERR
trap 'give_up 130 "interrupted. Run the same command again; it continues from there."' INT TERM HUP

# The first reason in the log of a failed command, and advice, as a sentence each.
why() {
	local said proxies
	said=$(tail -n 200 "$log" 2>/dev/null | tr '\n' ' ') || said=
	proxies=$(env | sed -n 's/^\(https\{0,1\}_proxy\)=\(.*\)$/\1 is \2/Ip' | tr '\n' ',')
	proxies=${proxies:+ (${proxies%,})}
	shopt -s nocasematch
	case $said in
	*"No space left on device"* | *"have enough free space"* | *"Disk quota exceeded"*)
		echo "the disk is full. Make room in $cache and in /var; \`df -h\` shows how much is free." ;;
	*"held by process "* | *"locked by another process"* | *"Could not get lock"*)
		echo "another program is installing packages: $(grep -o -m 1 'process [0-9]* ([^)]*)\|process with pid [0-9]*' "$log" || echo "it holds the lock"). Wait until it ends." ;;
	*"password is required"* | *"terminal is required"* | *"no askpass"* | *"not in the sudoers"* | *"not allowed to execute"*)
		echo "sudo refuses this to this user. Run as root: apt-get update && apt-get install -y --no-install-recommends ${packages_wanted-}." ;;
	*certificate*"not yet valid"* | *"certificate has expired"* | *"Release file"*"not valid yet"* | *"Release file"*"expired"*)
		echo "the clock of this machine says $(date +%F), and the server's certificate is not valid at that time. Set the clock." ;;
	*"certificate verif"* | *"CERTIFICATE_VERIFY_FAILED"* | *"SSL certificate problem"*)
		echo "a server's certificate is unknown here$proxies. If your proxy has a certificate of its own, export SSL_CERT_FILE=file and PIP_CERT=file." ;;
	*"Unable to locate package"* | *"no installation candidate"*)
		echo "Debian's package list does not have this package. /etc/apt/sources.list needs main of Debian 12 or 13, with its security updates." ;;
	*"proxy"*"refused"* | *"ProxyError"* | *"Unable to connect to proxy"* | *"Proxy CONNECT"* | *"CONNECT tunnel failed"*)
		echo "the proxy cannot be reached$proxies. Correct or unset the variable." ;;
	*"Could not resolve"* | *"Temporary failure resolving"* | *"Name or service not known"* | *"NameResolutionError"* | \
		*"Could not connect"* | *"Unable to connect"* | *"Connection refused"* | *"Network is unreachable"* | \
		*"Failed to establish a new connection"* | *"timed out"* | *"Connection failed"*)
		echo "a server cannot be reached$proxies. Check the network. Behind a proxy, export http_proxy=URL https_proxy=URL." ;;
	*"Hash Sum mismatch"* | *"do not match the hashes"* | *"unexpected size"* | *"IncompleteRead"* | *"Connection broken"* | *"Connection reset"* | \
		*"Error reading from server"* | *"spurious network error"* | *"transfer closed"* | *"404 "*"Not Found"*)
		echo "a download was cut off, or the mirror is being updated. Wait a minute." ;;
	*)
		# Python does not report a full disk.
		if (($(df -k --output=avail "$cache" | tail -n 1) < 20000)); then
			echo "the disk is full. Make room in $cache."
		else
			echo "the end of $log shows the error."
		fi
		;;
	esac
	shopt -u nocasematch
}

# Show the progress of a command after two seconds: on a terminal the last line of its log, elsewhere a line every 20
# seconds.
watch() {
	local line tick=0
	sleep 2
	while :; do
		line=$(tail -n 1 "$log" 2>/dev/null | tr -dc '[:print:]')
		if [[ -z ${line// /} ]]; then
			:
		elif [[ -t 2 ]]; then
			printf '\r\033[K  %.70s' "$line" >&2
		elif ((tick++ % 20 == 0)); then
			printf '  %.100s\n' "$line" >&2
		fi
		sleep 1
	done
}

# Run a command with its output in the log. The end of the log is shown if its error is unknown.
quietly() {
	local status=0
	: >"$log"
	watch 9>&- &
	watcher=$!
	"$@" >>"$log" 2>&1 </dev/null || status=$?
	kill "$watcher"
	wait "$watcher" 2>/dev/null || true
	watcher=
	[[ ! -t 2 ]] || printf '\r\033[K' >&2
	if ((status)) && [[ $(why) == "the end of "* ]]; then tail -n 20 "$log" >&2; fi
	return $status
}

# apt-get, as root, with the proxies that sudo would remove.
apt() {
	local name with=()
	for name in http_proxy https_proxy ftp_proxy no_proxy; do
		[[ -z ${!name-} ]] || with+=("$name=${!name}")
	done
	# shellcheck disable=SC2086 # sudo, or nothing
	quietly ${as_root} env DEBIAN_FRONTEND=noninteractive "${with[@]}" apt-get -q \
		-o Acquire::Retries=3 -o DPkg::Lock::Timeout=60 "$@"
}

install_packages() {
	local kind pairs=() some i names=()
	for kind in "$@"; do
		mapfile -t some < <(missing "$kind")
		pairs+=("${some[@]}")
	done
	((${#pairs[@]})) || return 0
	say "installing Debian packages:"
	for ((i = 0; i < ${#pairs[@]}; i += 2)); do
		names+=("${pairs[i]}")
		say "  ${pairs[i]} - ${pairs[i + 1]}"
	done
	packages_wanted=${names[*]}
	if ((EUID)) && ! type -P sudo >/dev/null; then
		say "this needs root, but sudo is not installed. Run as root:"
		say "  apt-get update && apt-get install -y --no-install-recommends ${names[*]}"
		exit 1
	fi
	doing="installing Debian packages (${names[*]})"
	# An earlier, unfinished installation is completed first, because otherwise apt refuses.
	# shellcheck disable=SC2086 # sudo, or nothing
	[[ -z $(dpkg --audit 2>/dev/null) ]] || quietly ${as_root} dpkg --configure -a
	apt update
	apt install -y --no-install-recommends "${names[@]}"
}

install_virtme_ng() {
	[[ -z $(virtme_ng) ]] || return 0
	say "installing $requirement - boots kernels in QEMU - into $venv"
	doing="installing $requirement from PyPI"
	# A virtual environment cannot be moved when it is complete, so a stamp marks this.
	rm -rf "$venv"
	quietly /usr/bin/python3 -m venv "$venv"
	quietly "$venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check --no-compile \
		-r lab/requirements.txt
	/usr/bin/python3 --version >"$venv/.complete"
}

# The distribution's kernel and the files for building its modules, unpacked beside the lab's other files. Nothing is
# installed: Debian 13's headers would install their image into /boot.
unpack_stock_kernel() {
	local release target
	[[ -z $(stock_release) ]] || return 0
	say "downloading the stock kernel (90 to 130 MB) - what students' own systems run - into $cache"
	target=$cache/stock.partial
	doing="downloading the stock kernel"
	if ! (download_stock_kernel "$target"); then
		# The archive may have newer packages than this system's list.
		doing="updating the list of packages"
		apt update
		doing="downloading the stock kernel"
		download_stock_kernel "$target"
	fi
	release=$(echo "$target"/linux-image-*.deb)
	release=${release##*/linux-image-}
	release=${release%%_*}
	doing="unpacking linux-image-$release"
	quietly unpack "$target"
	rm "$target"/*.deb
	# The type information of a module needs pahole, and the lab does not use it.
	rm -f "$target/usr/src/linux-headers-$release/vmlinux"
	sed -i "s,^include /usr/src/,include $cache/stock-$release/usr/src/," "$target/usr/src/linux-headers-$release/Makefile"
	quietly depmod -b "$target" "$release"
	rm -rf "$cache/stock-$release"
	mv "$target" "$cache/stock-$release"
}

download_stock_kernel() { # directory
	local release packages
	rm -rf "$1"
	mkdir -p "$1"
	release=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: linux-image-\(.*-amd64\)$/\1/p')
	[[ -n $release ]] || return
	mapfile -t packages < <(apt-cache depends "linux-headers-$release" |
		sed -n 's/^ *Depends: \(linux-headers-.*-common\|linux-kbuild-.*\)$/\1/p')
	quietly env -C "$1" apt-get -q -o Acquire::Retries=3 download \
		"linux-image-$release" "linux-headers-$release" "${packages[@]}"
}

# The image without drivers of hardware that a virtual machine does not have: 100 MB instead of 400. Modules are in
# ./lib before Debian 13, and in ./usr/lib since then.
unpack() { # directory
	local package
	dpkg-deb --fsys-tarfile "$1"/linux-image-*.deb | tar -x -C "$1" \
		--exclude='*/kernel/drivers/[adeghilmnpstu]*' --exclude='*/kernel/sound' \
		--transform='s,^\./usr/lib/,./lib/,' --wildcards './boot/*' '*/lib/modules/*'
	for package in "$1"/linux-headers-*.deb "$1"/linux-kbuild-*.deb; do
		dpkg-deb -x "$package" "$1"
	done
}

install_bindgen() {
	[[ ! -x $cache/bindgen/bin/bindgen ]] || return 0
	say "installing bindgen $bindgen_version - Rust in the kernel: bindings to its C headers - into $cache/bindgen"
	doing="installing bindgen-cli from crates.io"
	quietly cargo install --locked --root "$cache/bindgen" --target-dir "$BUILD/bindgen" \
		bindgen-cli --version "=$bindgen_version"
}

# PyPI has the same program compiled. cargo would take minutes to compile it.
install_typos() {
	[[ ! -x $typos ]] || return 0
	say "installing typos $typos_version - checks the spelling - into ${typos%/bin/typos}"
	doing="installing typos from PyPI"
	rm -rf "${typos%/bin/typos}"
	quietly /usr/bin/python3 -m venv "${typos%/bin/typos}"
	quietly "${typos%/typos}/python" -m pip install --progress-bar off --disable-pip-version-check --no-compile \
		"typos==$typos_version"
}

case ${1-} in
"" | test | kernel | lint | book-test | fresh-test | slurm-test) ;;
*)
	echo "usage: lab/setup.sh [test|kernel|lint|book-test|fresh-test|slurm-test]" >&2
	exit 2
	;;
esac
for trouble in "$(system_trouble)" "$(cargo_trouble)"; do
	[[ -z $trouble ]] || { say "$trouble" && exit 1; }
done
if [[ ${1-} == lint ]]; then
	trouble=$(lint_trouble)
	[[ -z $trouble ]] || { say "$trouble" && exit 1; }
fi
# One run at a time: a second one waits and then finds everything installed.
exec 9>"$cache/.setup.lock"
if ! flock --nonblock 9; then
	say "another set-up is running; waiting until it ends"
	flock 9
fi
if [[ ${1-} == fresh-test ]]; then
	install_packages fresh-test
	exit
fi
install_packages base ${1+"$1"}
install_virtme_ng
unpack_stock_kernel
if [[ ${1-} == kernel ]]; then install_bindgen; fi
if [[ ${1-} == lint ]]; then install_typos; fi
