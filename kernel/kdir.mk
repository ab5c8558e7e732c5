# SPDX-License-Identifier: MIT OR GPL-2.0
#
# Which kernel to build a module for: KDIR if given, else the running kernel's
# headers, else the newest ones installed.

RUNNING_KDIR := /lib/modules/$(shell uname -r)/build
NEWEST_KDIR  := $(lastword $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V))
KDIR ?= $(if $(wildcard $(RUNNING_KDIR)/Makefile),$(RUNNING_KDIR),$(NEWEST_KDIR))

define need_kdir
test -f "$(KDIR)/Makefile" || { \
	echo "KDIR='$(KDIR)' holds no kernel headers; install linux-headers-$(shell uname -r)" \
	     "or give KDIR=/path/to/headers" >&2; exit 1; }
endef

# Copy the sources to $(BUILD) when that is another directory: Kbuild builds where they are.
define stage
@mkdir -p $(BUILD); test $(abspath $(BUILD)) = $(HERE) || (cd $(HERE) && cp -rp --parents $(1) $(abspath $(BUILD))/)
endef
