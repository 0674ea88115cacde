#define _GNU_SOURCE
#include "cposix_http.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

// Three calls in the place of one, where a sandbox doesn't know the newer one.
static int accept_and_set(int listener) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) return -1;
    int flags = fcntl(connection, F_GETFL);
    if (flags >= 0 && fcntl(connection, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(connection, F_SETFD, FD_CLOEXEC) == 0) return connection;
    int code = errno;
    close(connection);
    errno = code;
    return -1;
}

int cposix_accept(int listener) {
    int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return connection < 0 && (errno == ENOSYS || errno == EPERM) ? accept_and_set(listener) : connection;
}
