# SPDX-License-Identifier: MIT OR Apache-2.0
# The commands that people type. Every target is one line into lab/.
#   KERNEL=stock|lab|debug   which kernel; the default is lab if it is built, else stock
#   MINUTES=n                how long make soak and make fuzz take
#   SEED=n                   the seed of make fuzz, to repeat a run
#   STAGE=name, STEP=name    a stage of make watch, make grade and make todo; one step, as in make part2 STEP=pubsub
#   TASK=name                the task of make reset and make solution
#   CHECK=id                 the check that make hint is about, or a part of the ids that make grade selects
#   BUILD=dir                where to build instead of in build/, for a read-only checkout
#   ONLY=text                of make hostile, the submissions whose names contain it
#   DIR=path UPTO=stage      where make starter writes, and the first stage that is not solved
#   SOLUTIONS=yes            of make starter: students may use make solution

LAB := lab/lab.sh

.PHONY: watch book book-test install-completions editor todo progress reset solution
.PHONY: help part1 part2 part3 message-slot test fuzz soak lint kernel kernels modules shell bench bench-machines starter grade verify hostile hint doctor container-test clean clean-cache setup fresh-test slurm-test batch-test

help: ## List these commands
	@sed -n 's/^\([a-z0-9-]*\):[^#]*##$(if $(wildcard lab/original.json),,#\{0,1\}) \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

setup:
	@lab/setup.sh

part1: setup ## Threads: a bounded buffer in a machine, then three buffers compared here
	@$(LAB) demo part1 && threads=$$(lab/built.sh threads --release) && "$$threads" --compare

part2: setup ## Netlink: hello, greeting, routes, pubsub; each module in a real kernel
	@$(LAB) demo part2

message-slot: setup ## A character device: send and read messages through channels, see every errno
	@$(LAB) demo message-slot

part3: setup ## Kernel lists: any number of publishers and subscribers that come and go
	@$(LAB) demo part3

watch: setup ## Repeat the demonstration of a step whenever its code is saved, STAGE=part2 STEP=pubsub
	@STAGE="$(STAGE)" STEP="$(STEP)" $(LAB) watch

todo: ## What is left to write, in order, with the clauses in words; STAGE=name
	@STAGE="$(STAGE)" lab/quick.sh lab todo

progress: ## How far you are: tasks, checks and points of each step, and what is next
	@lab/quick.sh lab progress

reset: ## Give back the first text of a task, TASK=name; the old file is kept
	@TASK="$(or $(TASK),$(error expected TASK=name, found none; make todo lists the names))" lab/quick.sh lab reset

solution: ## The solution of a task, TASK=name, if your teacher hands it out
	@TASK="$(or $(TASK),$(error expected TASK=name, found none; make todo lists the names))" lab/quick.sh lab solution

test: ## Every test, pure ones and those that boot machines; KERNEL=debug adds failing allocations
	@lab/setup.sh $(if $(wildcard lab/watch/tests),test) && INSTA_UPDATE=no lab/env.sh cargo test --workspace --lib --bin lab-agent --test "*" --locked --no-fail-fast \
		$(if $(filter debug,$(KERNEL)),-- --include-ignored)

fuzz: setup ## Compare modules with their models for MINUTES=10; SEED=n repeats a run
	@$(LAB) fuzz

soak: setup ## Every scenario where processes race, and random requests, for MINUTES=10 on the debug kernel
	@KERNEL=$(or $(KERNEL),debug) $(LAB) soak

lint: ### rustfmt, clippy, checkpatch, sparse, clangd, shellcheck, typos
	@lab/setup.sh lint && lab/lint.sh

kernel: ## Build the lab kernel (5 minutes once on two idle cores); KERNEL=debug builds the debug kernel
	@lab/setup.sh kernel && $(LAB) kernel

kernels: ### Build the lab and the debug kernel
	@lab/setup.sh kernel && KERNEL=lab $(LAB) kernel && KERNEL=debug $(LAB) kernel

modules: setup ## Build all modules and programs
	@$(LAB) modules

install-completions: setup ### Completions of lab/grade.sh for bash, zsh and fish, and a man page, below your home
	@$(LAB) completions

book: setup ## The book of the lab: stages, contract, hints, kernel reports; open build/book/index.html
	@lab/book/book.sh

book-test: ## Look at every page of the book in a browser, light and dark, wide and narrow
	@lab/setup.sh book-test && lab/book/book.sh && lab/book/browser/test.sh

editor: setup ## Write compile_commands.json, so that clangd understands the modules
	@$(LAB) editor

shell: setup ## A shell in a machine, with the modules and programs in /lab
	@$(LAB) shell

bench: setup ### Measure buffer, slot and router against the system's own means: table, CSV, plot
	@$(LAB) bench

bench-machines: setup ### Measure how long machines take to start, cold and warm (15 minutes)
	@$(LAB) bench-machines

starter: setup ### Write the tree for students into DIR=path; stages before UPTO=stage stay solved
	@$(LAB) starter "$(or $(DIR),$(error expected DIR=path, found none))"

grade: ## Grade this tree, or its STAGE=, STEP= or CHECK=; lab/grade.sh FILE grades a submission
	@lab/grade.sh $(foreach stage,$(STAGE),--stage "$(stage)") $(foreach step,$(STEP),--step "$(step)") $(if $(CHECK),--check "$(CHECK)")

verify: setup ### Check that solutions get full score, starters fail and mutants are caught (two hours)
	@$(LAB) grade && $(LAB) verify starters && $(LAB) verify mutants

hostile: setup ### Grade every hostile submission (an hour); none may gain a point or reach the host
	@lab/env.sh env ROWS=all cargo test --package lab --test hostile --locked -- --nocapture

hint: ## The next hint for the first check that failed, or for CHECK=message-slot/W5-intact
	@lab/quick.sh lab-grade hint "$(CHECK)"

fresh-test: ### Run make part2 and make test on a fresh Debian, SUITE=trixie or bookworm; needs root
	@lab/setup.sh fresh-test && exec lab/fresh-test.sh

slurm-test: ### Grade a class on a Slurm cluster that is started here, and end its node in the middle; needs root
	@lab/setup.sh slurm-test && exec lab/slurm/test.sh

batch-test: setup ### Measure classes of 20 and 60 submissions, killed twice and resumed (hours)
	@exec lab/batch-test.sh

doctor: ## Check everything that the lab needs; each fault comes with the command that mends it
	@lab/doctor.sh

container-test: ### Build the container's image and use it, as root and as an ordinary user (half an hour)
	@lab/container/test.sh

clean: ## Remove everything that was built from this checkout
	@lab/env.sh sh -c 'rm -rf "$$BUILD"; [ ! -L build ] || rm build'

clean-cache: ## Remove the cache that all checkouts share: kernels, saved machines, virtme-ng
	@lab/env.sh sh -c 'rm -rf "$$IPCLAB_CACHE" "/var/tmp/ipclab-$$(id -u)"'
