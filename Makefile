# SPDX-License-Identifier: MIT OR Apache-2.0
# What people type. Every target is one line into lab/.
#   KERNEL=stock|lab|debug   which kernel; without it lab if it is built, else stock
#   MINUTES=n                how long make soak and make fuzz take
#   SEED=n                   what make fuzz draws from, to repeat it
#   STEP=name                one step of a stage, as in make part2 STEP=pubsub
#   CHECK=id                 which check make hint is asked about
#   BUILD=dir                where to build, in place of build/: for a checkout that is read-only
#   DIR=path UPTO=stage      where make starter writes to, and which stages it leaves solved

LAB := lab/lab.sh

.PHONY: help part1 part2 part3 message-slot test fuzz soak lint kernel kernels modules shell bench bench-machines starter grade verify hint doctor container-test clean clean-cache setup fresh-test

help: ## This text
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup:
	@lab/setup.sh

part1: setup ## Threads: ten million numbers through three bounded buffers, side by side
	@threads=$$(lab/built.sh part1-threads threads --release) && "$$threads" --compare

part2: setup ## Netlink: hello, greeting, routes, pubsub; each module in a real kernel
	@$(LAB) demo part2

message-slot: setup ## A character device: send and read messages through channels, meet every errno
	@$(LAB) demo message-slot

part3: setup ## Kernel lists: publishers and subscribers, any number of them, coming and going
	@$(LAB) demo part3

test: setup ## Every test, pure ones and those that boot machines; KERNEL=debug adds faults
	@INSTA_UPDATE=no lab/env.sh cargo test --workspace --lib --bin lab-agent --test "*" --locked --no-fail-fast \
		$(if $(filter debug,$(KERNEL)),-- --include-ignored)

fuzz: setup ## Modules against their models, random operations for MINUTES=10; SEED=n repeats a run
	@$(LAB) fuzz

soak: setup ## What may meet, and random requests, for MINUTES=10 on the debug kernel
	@KERNEL=$(or $(KERNEL),debug) $(LAB) soak

lint: ## rustfmt, clippy, checkpatch, sparse, shellcheck
	@lab/setup.sh lint && lab/lint.sh

kernel: ## Build the lab kernel (5 minutes once on two idle cores), or with KERNEL=debug the debug kernel
	@lab/setup.sh kernel && $(LAB) kernel

kernels: ## Build both
	@lab/setup.sh kernel && KERNEL=lab $(LAB) kernel && KERNEL=debug $(LAB) kernel

modules: setup ## Build all modules and programs
	@$(LAB) modules

shell: setup ## A shell in a machine, with the modules and programs in /lab
	@$(LAB) shell

bench: setup ## What buffer, slot and router cost beside what the system offers: table, CSV, plot
	@$(LAB) bench

bench-machines: setup ## Measure how long machines take to come to life, cold and warm (15 minutes)
	@$(LAB) bench-machines

starter: setup ## What students begin with, in DIR=path; stages before UPTO=stage stay solved
	@$(LAB) starter "$(or $(DIR),$(error expected DIR=path, found none))"

grade: ## Grade this very tree; lab/grade.sh grades what somebody has handed in
	@lab/grade.sh

verify: setup ## The solutions have full score, starters do not, and mutants are caught (two hours)
	@$(LAB) grade && $(LAB) verify starters && $(LAB) verify mutants

hint: setup ## The next hint for a check, as in make hint CHECK=message-slot/W5-intact
	@CHECK="$(or $(CHECK),$(error expected CHECK=id, found none))" $(LAB) hint

fresh-test: ## The two commands of the README on a fresh Debian, SUITE=trixie or bookworm; needs root
	@lab/setup.sh fresh-test && exec lab/fresh-test.sh

doctor: ## Check everything that the lab needs, with the command that mends what is missing
	@lab/doctor.sh

container-test: ## Build the container's image and use it, as root and as an ordinary user (half an hour)
	@lab/container/test.sh

clean: ## Remove what was built from this checkout
	@lab/env.sh sh -c 'rm -rf "$$BUILD"; [ ! -L build ] || rm build'

clean-cache: ## Remove what all checkouts share: kernels, virtme-ng, images
	@lab/env.sh sh -c 'rm -rf "$$IPCLAB_CACHE" "/var/tmp/ipclab-$$(id -u)"'
