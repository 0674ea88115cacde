#define _GNU_SOURCE
#include "cposix_http.h"
#include <stddef.h>
#include <sys/socket.h>

int cposix_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
