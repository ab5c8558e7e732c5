#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds Linux 6.1 as a program (user-mode Linux) with pb_um_bench.c linked in.
#
#	build.sh DIR	-> DIR/linux-um
#
# Takes a few minutes the first time; nothing if DIR/linux-um is up to date. The
# kernel tree (1.5 GB) is removed afterwards unless PB_KEEP_TREE is set.
set -eu

die()
{
	echo "bench-linux: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die "usage: build.sh DIR"
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
tree=$dir/linux-source-6.1
tarball=/usr/src/linux-source-6.1.tar.xz

install_packages()
{
	for command in flex bison bc make gcc xz; do
		command -v $command >/dev/null || missing=yes
	done
	[ -f $tarball ] || missing=yes
	[ "${missing-no}" = yes ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "not installed, and only root can: linux-source-6.1 flex bison bc make gcc xz-utils"
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y \
		--no-install-recommends linux-source-6.1 flex bison bc make gcc xz-utils >/dev/null ||
		die "apt-get could not install linux-source-6.1 and what builds it"
}

configure()
{
	make ARCH=um defconfig >/dev/null
	./scripts/config -d NET -d SOUND -d MODULES -d DEBUG_KERNEL \
		-d DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT -e DEBUG_INFO_NONE
	make ARCH=um olddefconfig >/dev/null
}

unpack()
{
	rm -rf "$tree"
	echo "bench-linux: unpacking $tarball"
	tar -C "$dir" -xf $tarball || die "could not unpack $tarball into $dir"
	cd "$tree"
	configure
	mkdir drivers/pb_um
	echo 'obj-y += pb_um_bench.o' >drivers/pb_um/Makefile
	echo 'obj-y += pb_um/' >>drivers/Makefile
}

install_packages
cp "$here/run.sh" "$dir/"
key=$(cat "$here/pb_um_bench.c" "$here/../workloads.h" "$0" | cat - $tarball | cksum)
if [ -x "$dir/linux-um" ] && [ "$(cat "$dir/linux-um.key" 2>/dev/null)" = "$key" ]; then
	exit 0
fi
[ -f "$tree/drivers/pb_um/Makefile" ] || unpack
cd "$tree"
cp "$here/pb_um_bench.c" "$here/../workloads.h" drivers/pb_um/
echo "bench-linux: building Linux 6.1 as a program (a few minutes; log: $dir/build.log)"
nice -n 19 make ARCH=um -j"$(nproc)" linux >"$dir/build.log" 2>&1 || {
	tail -n 20 "$dir/build.log" >&2
	die "the kernel did not build; the whole log is $dir/build.log"
}
cp linux "$dir/linux-um.new"
mv "$dir/linux-um.new" "$dir/linux-um"
echo "$key" >"$dir/linux-um.key"
[ -n "${PB_KEEP_TREE-}" ] || rm -rf "$tree"
