#!/bin/bash -p
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The README's two commands on a fresh machine. Exit status 0 only if every run passed.
#
#   SUITE=trixie|bookworm    Debian release of the machine
#   ONLY=word                only the runs with this word in their name, as in ONLY=part2, ONLY=user-test;
#                            user-anywhere is make part2 in a directory that was renamed to one with
#                            spaces and other scripts, in the environment of lab/hostile.sh;
#                            root-kernels is make kernels, make lint, make part2 on the debug kernel and
#                            make bench-machines, and runs only with ONLY=kernels
#   KERNEL=stock|lab|debug   kernel; lab and debug are built on the machine first
#
# A machine is a minimal Debian in a directory, with the last commit of this checkout. The whole test and each run have
# PID and mount namespaces of their own. When they end in any way, the kernel removes their processes and mounts. A run
# has the directory as its root (pivot_root). A chroot would not do: in it, ordinary users cannot make namespaces, and
# bubblewrap would fail.
# shellcheck disable=SC2317 # steps are functions that step() calls
[[ -n ${IPCLAB_ENV-} ]] || exec "$(dirname -- "$(readlink -f -- "$0")")/env.sh" "$0" "$@"
set -euo pipefail

say() { printf 'fresh-test: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
took() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

# The first process of a run: mounts the file systems of a machine, runs a command as a user, and reports processes that
# the command has left.
enter() { # directory, cache of packages, user, command
	local status=0 left process name
	mount --bind "$1" "$1"
	cd "$1"
	mount --bind "$2" var/cache/apt/archives
	mount -t proc proc proc
	mount --rbind /sys sys
	mount --bind /dev dev
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	mount -t tmpfs -o mode=755 tmpfs run
	mkdir -m 1777 run/lock
	pivot_root . mnt
	cd /
	umount --lazy /mnt
	# In bash, background processes ignore these signals.
	env --default-signal=INT,QUIT su --login "$3" --command "$4" </dev/null || status=$?
	# Killed processes need a moment to end.
	for _ in {1..50}; do
		left=()
		for process in /proc/[0-9]*; do
			[[ $process == /proc/1 ]] && continue
			{ read -r name <"$process/comm"; } 2>/dev/null && left+=("$name")
		done
		((${#left[@]})) || return "$status"
		sleep 0.2
	done
	echo "processes that outlive the command: ${left[*]}"
	return 1
}

# Each line of a log with the second in which it was written.
stamp() {
	local line start=$SECONDS
	while IFS= read -r line || [[ -n $line ]]; do printf '%4d  %s\n' $((SECONDS - start)) "$line"; done
}

# A step with its log. If it fails, the end of the log is shown.
step() { # name of the log, description, command...
	local log=$logs/$1.log start=$SECONDS status=0
	printf '%-14s %s ... ' "$1" "$2"
	# In the background, so that Ctrl-C need not wait for the end of the step.
	{ "${@:3}" 2>&1 </dev/null | stamp >"$log"; } &
	wait $! || status=$?
	if ((status)); then
		printf 'FAILED (%s)\n' "$(took $((SECONDS - start)))"
		tail -n 20 "$log" | sed 's/^/    /'
	else
		printf 'ok (%s)\n' "$(took $((SECONDS - start)))"
	fi
	return $status
}

in_machine() { # user, command
	unshare --mount --pid --fork --kill-child bash "$script" enter "$machine" "$packages" "$1" "$2"
}

debootstrap_base() {
	rm -rf --one-file-system "$machine"
	unshare --mount debootstrap --variant=minbase --include=make,sudo --cache-dir="$packages" \
		"$suite" "$machine" http://deb.debian.org/debian
	tar -C "$machine" --numeric-owner -cf "$base.partial" .
	mv "$base.partial" "$base"
}

make_machine() {
	local main=http://deb.debian.org/debian home=$machine/home/student file
	rm -rf --one-file-system "$machine"
	mkdir "$machine"
	tar -C "$machine" --numeric-owner -xpf "$base"
	printf 'deb %s %s main\n' "$main" "$suite" "$main" "$suite-updates" \
		http://deb.debian.org/debian-security "$suite-security" >"$machine/etc/apt/sources.list"
	printf 'Acquire::Retries "5";\nAPT::Keep-Downloaded-Packages "true";\n' >"$machine/etc/apt/apt.conf.d/fresh-test"
	# A machine need not survive a power cut, and syncing takes minutes on a busy disk.
	echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/fresh-test"
	# Settings of this network: names, and the certificates of a proxy.
	cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
	printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$machine/etc/hosts"
	for file in /etc/pip.conf /usr/local/share/ca-certificates; do
		[[ ! -e $file ]] || { mkdir -p "$machine${file%/*}" && cp -rL "$file" "$machine${file%/*}"; }
	done
	chroot "$machine" useradd --create-home --shell /bin/bash student
	# sudo allows apt only and refuses everything else.
	printf 'student ALL=(root) NOPASSWD: %s, %s, %s\n' /usr/bin/apt-get /usr/bin/dpkg \
		'/usr/bin/env DEBIAN_FRONTEND=noninteractive apt-get *' >"$machine/etc/sudoers.d/student"
	git clone --quiet --no-hardlinks "$checkout" "$home/ipclab"
	git -C "$home/ipclab" reset --quiet --hard "$commit"
	chroot "$machine" chown -R student: /home/student
	cp -a --no-preserve=ownership "$home/ipclab" "$machine/root/ipclab"
}

# Cargo as rustup installs it, with the crates that this system has already.
copy_rust() { # home
	local rustup part cargo=${CARGO_HOME:-$HOME/.cargo}
	rustup=$(command -v rustup) || die "rustup is not installed, and the machine needs its cargo"
	sysroot=$(cd "$checkout" && rustc --print sysroot)
	mkdir -p "$1/.cargo/bin" "$1/.cargo/registry" "$1/.rustup/toolchains"
	cp -L "$rustup" "$1/.cargo/bin/rustup"
	for part in cargo rustc rustdoc cargo-fmt rustfmt cargo-clippy clippy-driver; do ln -s rustup "$1/.cargo/bin/$part"; done
	for part in cache index; do
		[[ ! -e $cargo/registry/$part ]] || cp -r "$cargo/registry/$part" "$1/.cargo/registry/"
	done
	tar -C "${sysroot%/*}" --exclude='*/share/doc' -c "${sysroot##*/}" | tar -C "$1/.rustup/toolchains" -x
	printf 'version = "12"\ndefault_toolchain = "%s"\n' "${sysroot##*/}" >"$1/.rustup/settings.toml"
	# shellcheck disable=SC2016 # for the machine's shell
	echo 'export PATH="$HOME/.cargo/bin:$PATH"' >>"$1/.profile"
	chown -R --reference="$1" "$1"
}

machine_of() { # root or student
	make_machine
	if [[ $1 == root ]]; then
		chroot "$machine" env SUDO_FORCE_REMOVE=yes dpkg --purge sudo
		copy_rust "$machine/root"
	else
		copy_rust "$machine/home/student"
	fi
}

# None of the user's own files may belong to root.
files_are_own() {
	local other
	other=$(find "$machine/home/student" ! -user "$(stat -c %u "$machine/home/student")")
	[[ -z $other ]] || { echo "in the user's home, but not the user's:"; echo "$other" | head -n 20; return 1; }
	du -sh "$machine"/home/student/.cache/ipclab "$machine"/home/student
}

# Debian's own cargo is too old: the lab reports this, names rustup, and does nothing else.
old_cargo_is_refused() {
	local said
	in_machine root 'apt-get -q update && apt-get -q install -y --no-install-recommends cargo' || return
	if said=$(in_machine student 'cd ipclab && make part2 2>&1'); then
		echo "make part2 passes with Debian's cargo: $said"
		return 1
	fi
	echo "$said"
	[[ $said =~ ^'setup: cargo is '[0-9.]+' and '[0-9.]+' or newer is needed; '.*https://sh.rustup.rs ]]
}

# With sudo, checkout and cache belong to an ordinary user, who must be able to remove them.
give_back() {
	chown --reference="$checkout" "$BUILD" "$logs" "$logs"/*.log
	chown --reference="$HOME" "${cache%/*/*}" "${cache%/*}" "${cache%/*}/.setup.lock"
	chown -R --reference="$HOME" "$cache"
} 2>/dev/null

# A run whose result counts.
counted() { # name, description, command...
	local start=$SECONDS verdict=passed
	step "$@" || { verdict=FAILED status=1; }
	results+=("$(printf '%-14s %s  %s' "$1" "$verdict" "$(took $((SECONDS - start)))")")
}

if [[ ${1-} == enter ]]; then
	enter "${@:2}"
	exit
fi

suite=${SUITE-}
case $suite in trixie | bookworm) ;; *) die "expected SUITE=trixie or SUITE=bookworm, found '$suite'" ;; esac
((EUID == 0)) || die "making a machine needs root; run: sudo env HOME=\"\$HOME\" PATH=\"\$PATH\" make fresh-test SUITE=$suite"
command -v debootstrap >/dev/null || die "debootstrap is not installed; to mend it: lab/setup.sh fresh-test"
script=$IPCLAB_CHECKOUT/lab/fresh-test.sh
if [[ ${1-} != inside ]]; then
	exec setpriv --pdeathsig KILL unshare --mount --mount-proc --pid --fork --kill-child bash "$script" inside
fi

kernel=${KERNEL-}
odd="my wörk, 學校: \$HOME"
runs=()
names=(root-part2 root-test root-kernels user-part2 user-test user-anywhere user-old-cargo)
for name in "${names[@]}"; do
	# It takes more than an hour.
	[[ $name != root-kernels || ${ONLY-} == *kernels* ]] || continue
	[[ $name != *"${ONLY-}"* ]] || runs+=("$name")
done
((${#runs[@]})) || die "no run has '$ONLY' in its name; there are ${names[*]}"
checkout=$IPCLAB_CHECKOUT
logs=$BUILD/fresh-$suite
machine=$logs/machine
cache=$IPCLAB_CACHE/fresh
packages=$cache/packages-$suite
base=$cache/debian-$suite.tar
mkdir -p "$logs" "$packages"
exec 8>"$cache/.lock-$suite"
flock --nonblock 8 || die "another fresh-test of $suite is running"
rm -f "$logs"/*.log
trap give_back EXIT
trap 'echo; say "interrupted; the next run removes $machine"; exit 130' INT TERM HUP

commit=$(git -C "$checkout" rev-parse HEAD)
say "$suite, commit $(git -C "$checkout" log -1 --format='%h %s')"
[[ -z $(git -C "$checkout" status --porcelain) ]] || say "changes that are not committed are not tested"
status=0
results=()
[[ -e $base ]] || step base "debootstrap" debootstrap_base
for user in root student; do
	who=${user/student/user}
	commands=()
	for name in "${runs[@]}"; do
		case $name in "$who-part2" | "$who-test" | "$who-anywhere" | "$who-kernels") commands+=("${name#*-}") ;; esac
	done
	((${#commands[@]})) || continue
	case $kernel in lab | debug) commands=(kernel "${commands[@]}") ;; esac
	step "$who-machine" "a fresh machine with rustup's cargo" machine_of "$user"
	for command in "${commands[@]}"; do
		name=$who-$command
		if [[ $command == anywhere ]]; then
			command="make part2${kernel:+ KERNEL=$kernel}"
			counted "$name" "make part2 after a move, in an environment where every variable is wrong" in_machine "$user" \
				"mkdir '$odd' && mv ipclab '$odd/' && cd '$odd/ipclab' && lab/hostile.sh $command"
		elif [[ $command == kernels ]]; then
			counted "$name" "make kernels, make lint, make part2 KERNEL=debug, make bench-machines" in_machine "$user" \
				"cd ipclab && make kernels && make lint && make part2 KERNEL=debug && make bench-machines && du -sh ~/.cache/ipclab build"
		else
			command="make $command${kernel:+ KERNEL=$kernel}"
			counted "$name" "$command" in_machine "$user" "cd ipclab && $command"
		fi
	done
	if [[ $user == student ]]; then counted user-files "all files of the user belong to the user" files_are_own; fi
done
if [[ " ${runs[*]} " == *" user-old-cargo "* ]]; then
	step cargo-machine "a fresh machine without rustup" make_machine
	counted user-old-cargo "make part2 with Debian's cargo" old_cargo_is_refused
fi
rm -rf --one-file-system "$machine"
say "$suite: $( ((status)) && echo FAILED || echo passed); logs are in $logs"
printf '  %s\n' "${results[@]}"
exit $status
