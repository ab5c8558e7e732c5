# SPDX-License-Identifier: MIT
# For kernel/qemu/run: load ap.ko, read the log, unload it, read the log.
echo '# insmod ap.ko'
insmod ap.ko || exit 1
dmesg | grep -v clocksource: | tail -2 # a young kernel still chooses its clock
echo '# rmmod ap'
rmmod ap || exit 1
dmesg | grep -v clocksource: | tail -2 # a young kernel still chooses its clock
