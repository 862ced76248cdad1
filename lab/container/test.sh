#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Build the container's image and use it as in README.md beside this file, as an ordinary user and as root. Takes half
# an hour on two cores. Needs root, podman, runc, uidmap, debootstrap, Debian's archive, crates.io and PyPI. Uses no
# image registry, and neither reads nor changes this system's settings of containers.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-${HOME:?expected HOME in the environment}/.cache}/ipclab/fresh
tag=docker.io/library/debian:trixie-slim
user=ipclab-container-test

say() { printf 'container-test: %s\n' "$*"; }
fail() {
	say "FAILED: $*"
	exit 1
}
((EUID == 0)) || fail "this makes an ordinary user, and needs root"
for program in podman runc newuidmap debootstrap; do
	command -v "$program" >/dev/null ||
		fail "expected $program, found none; apt-get install podman runc uidmap debootstrap"
done

scratch=$(mktemp -d /var/tmp/ipclab-container.XXXXXX)
chmod 755 "$scratch"
cleanup() {
	podman_as root rm --all --force >/dev/null 2>&1 || true
	podman_as "$user" rm --all --force >/dev/null 2>&1 || true
	# One process keeps the user's namespace; this test has a user of its own.
	pkill -KILL -u "$user" || true
	userdel --force "$user" 2>/dev/null || true
	rm -rf "$scratch"
}
trap 'say "FAILED in line $LINENO"' ERR
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# podman with this test's own settings and images. The limits are those of the system, because some machines lack the
# privilege to raise them.
podman_as() {
	local who=$1 as=()
	shift
	[[ $who == root ]] || as=(setpriv --reuid "$who" --regid "$who" --init-groups)
	"${as[@]}" env -i -C "$scratch/$who" PATH="$PATH" HOME="$scratch/$who" LANG=C.UTF-8 \
		XDG_RUNTIME_DIR="$scratch/$who/run" CONTAINERS_CONF="$scratch/$who/containers.conf" \
		CONTAINERS_STORAGE_CONF="$scratch/$who/storage.conf" podman --runtime runc "$@"
}
# A container without privileges, with the user's checkout at the place that README names.
run_as() {
	local who=$1
	shift
	podman_as "$who" run --rm --network host "$@"
}
timed() {
	local what=$1 begin=$SECONDS
	shift
	"$@" >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; fail "$what"; }
	say "passed: $what ($((SECONDS - begin)) s)"
}
# A command that ends with an exit status other than 0.
ends_with() {
	local expected=$1 what=$2 found=0
	shift 2
	"$@" >"$scratch/log" 2>&1 || found=$?
	((found == expected)) || {
		tail -n 40 "$scratch/log"
		fail "$what: expected exit status $expected, found $found"
	}
	say "passed: $what"
}
says() { grep -qF -- "$1" "$scratch/log" || { tail -n 40 "$scratch/log"; fail "expected '$1'"; }; }

useradd --no-create-home --home-dir "$scratch/$user" --shell /usr/sbin/nologin "$user"
for who in root "$user"; do
	mkdir -p "$scratch/$who/run"
	printf '[storage]\ndriver = "overlay"\nrunroot = "%s"\ngraphroot = "%s"\nrootless_storage_path = "%s"\n' \
		"$scratch/$who/run/storage" "$scratch/$who/storage" "$scratch/$who/storage" >"$scratch/$who/storage.conf"
	printf '[containers]\ndefault_ulimits = []\n[engine]\ntmp_dir = "%s"\n' \
		"$scratch/$who/run/libpod" >"$scratch/$who/containers.conf"
	chown -R "$who:" "$scratch/$who"
	chmod 700 "$scratch/$who/run"
done
work=$scratch/$user/work
mkdir "$work"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -x -C "$work"
git -C "$work" init --quiet
chown -R "$user:" "$work"

base=$cache/base-trixie.tar
if [[ ! -e $base ]]; then
	say "making $base with debootstrap"
	mkdir -p "$cache"
	debootstrap --variant=minbase --include=ca-certificates trixie "$scratch/base" >"$scratch/log"
	# The certificates that this system trusts, because a proxy may have its own.
	cp -a /usr/local/share/ca-certificates/. "$scratch/base/usr/local/share/ca-certificates/"
	chroot "$scratch/base" update-ca-certificates >"$scratch/log" 2>&1
	tar -C "$scratch/base" -cf "$base.partial" .
	mv "$base.partial" "$base"
fi
install -o "$user" -m 644 "$base" "$scratch/$user/base.tar"

podman_as "$user" import --quiet base.tar "$tag"
timed "an ordinary user builds the image" podman_as "$user" build --network host --pull=never \
	-t ipclab -f work/lab/container/Containerfile work
podman_as "$user" images --format '{{.Repository}} {{.Size}}' ipclab

stage=(-v ./work:/work ipclab make part2 KERNEL=stock)
grade=(lab/grade.sh lab/fixtures/submissions/flat_list --kernel stock --seed 1)
rust=(lab/grade.sh /submission --kernel stock --seed 1 --stage part2 H1)
timed "an ordinary user: make part2, the first time" run_as "$user" "${stage[@]}"
timed "an ordinary user: make part2, the second time" run_as "$user" "${stage[@]}"
[[ $(stat -c %U "$work/build/target") == "$user" ]] || fail "build/ belongs to another user"
timed "an ordinary user: git in the checkout" run_as "$user" -v ./work:/work ipclab git status
timed "an ordinary user: grading" run_as "$user" -v ./work:/work ipclab "${grade[@]}"
says "Score: 100/100"
mkdir "$scratch/$user/crates"
cp -a "$work"/{kernel,part2-netlink,protocol} "$scratch/$user/crates/"
chown -R "$user:" "$scratch/$user/crates"
timed "an ordinary user: grading programs in Rust" run_as "$user" -v ./work:/work -v ./crates:/submission:ro ipclab "${rust[@]}"

# As in CI: the image's own compiled lab, and a read-only submission.
mkdir "$scratch/$user/report"
chown "$user:" "$scratch/$user/report"
timed "the image's own lab grades" run_as "$user" -v ./work/lab/fixtures/submissions/flat_list:/submission:ro \
	-v ./report:/report ipclab lab/grade.sh /submission --no-build --kernel stock --out /report
[[ -s $scratch/$user/report/junit.xml ]] || fail "expected report/junit.xml, found none"

# Fewer capabilities than podman's default, for a user without a name.
few=(--cap-drop all --security-opt no-new-privileges --user 4321:4321)
timed "no capability at all: make part2" run_as "$user" "${few[@]}" ipclab make part2 KERNEL=stock
timed "no capability at all: grading" run_as "$user" "${few[@]}" ipclab "${grade[@]}"
timed "no network: make part2" podman_as "$user" run --rm --network none ipclab make part2 KERNEL=stock

# System calls that Docker's own profile refuses.
cat >"$scratch/refuse.json" <<'END'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
	{"names": ["unshare", "setns", "mount", "pivot_root"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
	{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
	{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
		"args": [{"index": 0, "value": 268435456, "valueTwo": 268435456, "op": "SCMP_CMP_MASKED_EQ"}]}]}
END
refuse=(--security-opt "seccomp=$scratch/refuse.json")
timed "no namespaces: make part2" run_as "$user" "${refuse[@]}" ipclab make part2 KERNEL=stock
ends_with 3 "no namespaces: grading is refused" run_as "$user" "${refuse[@]}" ipclab "${grade[@]}"
says "a submission is never built outside a sandbox"
says "--security-opt seccomp=unconfined"

# Root uses the user's checkout, which is compiled already.
podman_as "$user" save --quiet ipclab | podman_as root load --quiet
cp -a "$work" "$scratch/root/work"
chown -R root: "$scratch/root/work"
timed "root: make part2" run_as root "${stage[@]}"
timed "root: grading" run_as root -v ./work:/work ipclab "${grade[@]}"
says "Score: 100/100"
# As README says for Docker, where root in the container is root on the host.
chown -R "$user:" "$scratch/root/work"
chmod 755 "$scratch/root"
numbers=$(id -u "$user"):$(id -g "$user")
timed "root, with --user: make part2" run_as root --user "$numbers" "${stage[@]}"
[[ -z $(find "$scratch/root/work/build" ! -user "$user" -print -quit) ]] || fail "build/ belongs to another user"
say "all passed"
