# SPDX-License-Identifier: MIT
#
# A front for CMake: the usual words, each one step. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
SAMPLE ?= trace/samples/debian-6.1.txt.zst

# The builds get what they need by their command lines; options of this make,
# such as -j or variables, would reach the makes below them and mean others.
unexport MAKEFLAGS MFLAGS

BUILD = cmake --build build -j $(JOBS)

.DEFAULT_GOAL := build
.PHONY: help build run learn test test-long bench bench-linux bench-scale bench-plots kernel-test \
	kernel-test-long whatif-validate ap-shell \
	examples-test embed dist coverage \
	install format format-check tidy clean

# A build/ of another make target is brought up to date by ninja itself.
build/build.ninja:
	@scripts/bootstrap --check run
	@cmake --log-level=WARNING --preset release

build: build/build.ninja ## the library and the command, into build/
	@$(BUILD) --target product

run: ## the main job: the case study, then the replay of a real kernel's trace
	@scripts/bootstrap run
	@$(MAKE) --no-print-directory build
	@echo
	@echo '$$ build/pagebuddy case --size 28K'
	@build/pagebuddy case --size 28K
	@echo
	@echo '$$ build/pagebuddy replay $(SAMPLE)'
	@build/pagebuddy replay $(SAMPLE)

learn: ## the lesson's page, build/learn/learn.html; `build/pagebuddy learn` opens it
	@scripts/bootstrap learn
	@$(MAKE) --no-print-directory build
	@$(BUILD) --target learn

test: ## every test there is, in release and sanitizer builds
	@scripts/bootstrap test
	@scripts/run-tests

test-long: ## the tests that take too long for `make test`: hours
	@scripts/bootstrap test
	@scripts/run-tests --long

bench: ## the benchmark, beside what else one could use
	@scripts/bootstrap bench
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target bench

bench-linux: ## the same workloads on Linux's own allocator, as user-mode Linux
	@scripts/bootstrap bench kernel
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target bench-linux

bench-scale: ## the library on 1 to 64 simulated CPUs
	@scripts/bootstrap bench
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target bench-scale

bench-plots: ## the benchmark's figures as PNG
	@scripts/bootstrap bench
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target bench-plots

kernel-test: ## the library beside 5.10, 6.1, 6.12 and 7.2, frame by frame; KERNEL=6.12: one
	@scripts/bootstrap kernel
	@scripts/kernels $(KERNEL) || [ $$? = 77 ]
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target kernel-test

PARTS ?= all

dist: ## the library as two files, into build/dist; PARTS="pcp range": these parts only
	@scripts/dist --parts '$(PARTS)'

embed: ## how large the library is in a kernel, part by part
	@scripts/bootstrap test
	@scripts/embed

examples-test: ## boot the example kernels in the emulator
	@scripts/bootstrap test
	@for machine in x86_64 riscv64; do examples/baremetal/run -o build/baremetal $$machine || exit; done
	@examples/cortex-m0/run -o build/cortex-m0

kernel-test-long: ## the same, then faults planted in the library: each must be noticed
	@scripts/bootstrap kernel
	@scripts/kernels $(KERNEL) || [ $$? = 77 ]
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target kernel-test-long

whatif-validate: ## what-if predictions against machines that have the setting: an hour
	@scripts/bootstrap kernel
	@$(MAKE) --no-print-directory build/build.ninja
	@$(BUILD) --target whatif-validate

ap-shell: ## a machine of your own with a shell, to load the module `ap` in
	@scripts/bootstrap kernel
	@kernel/ap/shell

coverage: ## lines and branches of core/ that its own tests run
	@scripts/bootstrap test dev
	@scripts/coverage

install: build ## into PREFIX (default /usr/local) under DESTDIR
	@DESTDIR='$(DESTDIR)' cmake --install build --prefix '$(PREFIX)'

# The public header's tables stand in columns, which clang-format would break up.
SOURCES = git ls-files '*.c' '*.h' ':!include/pagebuddy/pagebuddy.h'

format: ## every C file into the style of .clang-format
	@$(SOURCES) | xargs clang-format -i

format-check: ## which C files are not in that style
	@$(SOURCES) | xargs clang-format --dry-run -Werror

tidy: build ## clang-tidy over library and command
	@git ls-files 'core/*.c' 'platform/*.c' 'trace/*.c' 'cmd/*.c' | \
		xargs -P $(JOBS) -n 1 clang-tidy --quiet -p build

clean: ## remove every build directory
	@rm -rf build build-dev build-asan build-ubsan build-tsan build-fuzz build-coverage

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
