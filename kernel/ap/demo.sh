# SPDX-License-Identifier: MIT
# For kernel/qemu/run: load ap.ko, read the log, unload it, read the log.
echo '# insmod ap.ko'
insmod ap.ko || exit 1
dmesg | tail -2
echo '# rmmod ap'
rmmod ap || exit 1
dmesg | tail -2
