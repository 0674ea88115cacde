// Connections: what Glibc's Swift overlay doesn't declare.
#pragma once

// accept4(2), nonblocking and close-on-exec, without asking for the peer's address: a descriptor, or -1 with errno.
int cposix_accept(int listener);
