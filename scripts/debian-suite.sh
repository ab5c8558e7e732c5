# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts that unpack packages of another Debian suite, or of another machine, and
# install none: apt with a sources list, lists and a status file of its own. Source it
# after setting
#
#	tools	folder for all that
#	arch	the machine, as Debian names it; empty: this one

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of this machine's Debian packages, from either form of sources list.
mirror()
{
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n -e 's/^URIs:[[:space:]]*\([^[:space:]]*\/debian\)\/\{0,1\}$/\1/p' \
			-e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\/debian\)\/\{0,1\}[[:space:]].*/\2/p' |
		head -n 1
}

# apt SUITE COMMAND...: apt with a world of its own.
apt()
{
	local suite=$1 at=$tools/$1 program=$2

	shift 2
	"$program" -o Dir::Etc::sourcelist="$at/sources.list" -o Dir::Etc::sourceparts="$at/parts" \
		-o Dir::State::lists="$at/lists" -o Dir::State::status="$at/status" \
		-o Dir::Cache::archives="$at/archives" -o Dir::Cache::pkgcache="$at/pkgcache.bin" \
		-o Dir::Cache::srcpkgcache="$at/srcpkgcache.bin" -o APT::Sandbox::User=root \
		${arch:+-o "APT::Architecture=$arch" -o "APT::Architectures::=$arch"} \
		-o Acquire::Languages=none "$@"
}

# open_suite SUITE: its lists are there afterwards; else the last line says why.
open_suite()
{
	local at=$tools/$1 uri log

	[ ! -e "$at/ready" ] || return 0
	uri=$(mirror)
	mkdir -p "$at/lists/partial" "$at/archives/partial" "$at/parts"
	: >"$at/status"
	echo "deb [signed-by=$keyring] $uri $1 main" >"$at/sources.list"
	if ! log=$(apt "$1" apt-get update -q 2>&1) || grep -q '^[EW]:' <<<"$log"; then
		grep '^[EW]:' <<<"$log" | tail -n 1
		return 1
	fi
	: >"$at/ready"
}
