#define _GNU_SOURCE
#include "cposix_control.h"

#include <string.h>
#include <sys/socket.h>

static int option(int descriptor, int name, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(descriptor, SOL_SOCKET, name, value, &length);
}

int cposix_peer_of(int descriptor, cposix_peer *peer) {
    memset(peer, 0, sizeof *peer);
    int family, type, listens;
    if (option(descriptor, SO_DOMAIN, &family) != 0 || option(descriptor, SO_TYPE, &type) != 0) return -1;
    if (option(descriptor, SO_ACCEPTCONN, &listens) != 0) return -1;
    // Of a socket that isn't connected the credentials are those of whoever made it listen, or none.
    struct sockaddr_storage other;
    socklen_t size = sizeof other;
    if (getpeername(descriptor, (struct sockaddr *)&other, &size) != 0) return -1;
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    peer->is_unix_stream = family == AF_UNIX && type == SOCK_STREAM && listens == 0;
    peer->pid = credentials.pid;
    peer->user = credentials.uid;
    return 0;
}
