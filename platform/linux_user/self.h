/* SPDX-License-Identifier: MIT */
/* Between the files of this port. */
#ifndef PB_LINUX_USER_SELF_H
#define PB_LINUX_USER_SELF_H

/* In the child of a fork: this thread is another one now. */
void pb_user_forget_self(void);

#endif
