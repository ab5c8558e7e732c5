# SPDX-License-Identifier: MIT
# In the guest of make ap-shell: say what there is, then a shell for the reader.
cat <<'TEXT'

This is a machine of its own; nothing here can harm yours. You are the user
"reader" and may not load modules; "su" makes you root (there is no password).

  $ insmod ap.ko          refused
  $ su
  # insmod ap.ko          allocates
  # dmesg | tail -2       the first two lines
  # rmmod ap              frees
  # dmesg | tail -2       the other two
  # exit                  root ends; once more: the machine ends

ap.c is here to read. insmod ap.ko order=2 count=2 verbose=1 shows more.

TEXT
stty -F /dev/ttyS0 sane
export PS1='\$ '
setsid sh -c 'exec su reader </dev/ttyS0 >/dev/ttyS0 2>&1'
