#define _GNU_SOURCE
#include "cposix_listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(cposix_poll_ended == POLLRDHUP, "POLLRDHUP is another number here");

static int option(int descriptor, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

int cposix_listens(int descriptor) { return option(descriptor, SO_ACCEPTCONN) == 1; }

int cposix_is_packet_socket(int descriptor) { return option(descriptor, SO_TYPE) == SOCK_SEQPACKET; }

int cposix_is_same_socket(int one, int other) {
    uint64_t cookies[2] = {0, 0};
    int descriptors[2] = {one, other};
    for (int i = 0; i < 2; i++) {
        socklen_t length = sizeof cookies[i];
        if (getsockopt(descriptors[i], SOL_SOCKET, SO_COOKIE, &cookies[i], &length) != 0) return 0;
    }
    return cookies[0] == cookies[1];
}

int cposix_take_connection(int descriptor) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(descriptor, (struct sockaddr *)&peer, &length) != 0) return -1;
    int family = option(descriptor, SO_DOMAIN);
    if (option(descriptor, SO_TYPE) != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
        errno = ESOCKTNOSUPPORT;
        return -1;
    }
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    if ((flags & O_NONBLOCK) == 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) return -1;
    // With this option close(2) would wait for the peer, also on a nonblocking socket.
    struct linger linger = {0};
    length = sizeof linger;
    if (getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff != 0) {
        linger.l_onoff = 0;
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    return 0;
}

int cposix_replace_descriptor(int descriptor, int number) {
    int result;
    do {
        result = dup3(descriptor, number, O_CLOEXEC);
    } while (result < 0 && (errno == EINTR || errno == EBUSY));
    return result < 0 ? -1 : 0;
}

int cposix_lock_directory(const char *path) {
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    if (flock(directory, LOCK_EX | LOCK_NB) == 0) return directory;
    int code = errno;
    close(directory);
    errno = code;
    return -1;
}

int cposix_rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    // File systems without this flag, and sandboxes without this call.
    if (errno != EINVAL && errno != ENOSYS && errno != EPERM) return -1;
    if (link(from, to) != 0) return -1;
    return unlink(from);
}
