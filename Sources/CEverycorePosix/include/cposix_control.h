// Who is at the other end of a control connection.
#pragma once
#include <sys/types.h>

typedef struct {
    // A connected stream socket of AF_UNIX.
    int is_unix_stream;
    // Of the process that called connect(2), at that time (SO_PEERCRED, unix(7)). The number is 0 where that process is in another
    // namespace, whose numbers this process doesn't see.
    pid_t pid;
    uid_t user;
} cposix_peer;

// 0, or -1 with errno.
int cposix_peer_of(int descriptor, cposix_peer *peer);
