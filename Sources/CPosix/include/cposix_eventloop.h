// Waking a loop from another thread.
#pragma once

// eventfd(2), nonblocking and close-on-exec: a descriptor, or -1 with errno.
int cposix_eventfd(void);
