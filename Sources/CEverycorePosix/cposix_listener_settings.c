#define _GNU_SOURCE
#include <stddef.h>
#include "cposix_listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

// Whatever of these a connection inherits that is accepted, or that keeps connections from being accepted. The order matters: setting
// the size of a buffer locks it.
static const struct {
    int level, option, is_doubled;
    const char *name;
} options[cposix_listener_setting_count] = {
    {SOL_SOCKET, SO_RCVLOWAT, 0, "SO_RCVLOWAT"},
    {SOL_SOCKET, SO_MAX_PACING_RATE, 0, "SO_MAX_PACING_RATE"},
    {SOL_SOCKET, SO_RCVBUF, 1, "SO_RCVBUF"},
    {SOL_SOCKET, SO_SNDBUF, 1, "SO_SNDBUF"},
    {SOL_SOCKET, SO_BUF_LOCK, 0, "SO_BUF_LOCK"},
    {IPPROTO_TCP, TCP_NODELAY, 0, "TCP_NODELAY"},
    {IPPROTO_TCP, TCP_CORK, 0, "TCP_CORK"},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, "TCP_DEFER_ACCEPT"},
    {IPPROTO_IP, IP_TTL, 0, "IP_TTL"},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, "IPV6_UNICAST_HOPS"},
};

static int get(int descriptor, int level, int option, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(descriptor, level, option, value, &length) == 0 && length == sizeof *value;
}

// Where something makes the socket blocking, a worker waits in accept(2) for this long, and not for the next connection.
static void limit_waiting(int descriptor) {
    struct timeval limit = {.tv_usec = 1000};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void cposix_lock_filter(int descriptor) {
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);
}

void cposix_note_listener(int descriptor, cposix_listener_settings *settings) {
    settings->known = 0;
    for (int i = 0; i < cposix_listener_setting_count; i++) {
        if (get(descriptor, options[i].level, options[i].option, &settings->values[i])) settings->known |= 1u << i;
    }
    int is_locked = 0;
    socklen_t instructions = 0;
    settings->may_have_filter = (get(descriptor, SOL_SOCKET, SO_LOCK_FILTER, &is_locked) && is_locked)
        || getsockopt(descriptor, SOL_SOCKET, SO_GET_FILTER, NULL, &instructions) != 0 || instructions > 0;
    limit_waiting(descriptor);
}

unsigned cposix_restore_listener(int descriptor, const cposix_listener_settings *settings) {
    unsigned restored = 0;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0) {
        restored |= cposix_listener_was_blocking;
    }
    struct linger linger = {0};
    socklen_t length = sizeof linger;
    if (getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff != 0) {
        linger.l_onoff = 0;
        if (setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0) restored |= cposix_listener_lingered;
    }
    int none = 0;
    if (!settings->may_have_filter && setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) == 0) {
        restored |= cposix_listener_had_filter;
    }
    for (int i = 0; i < cposix_listener_setting_count; i++) {
        int value, wanted = settings->values[i];
        if ((settings->known & 1u << i) == 0 || !get(descriptor, options[i].level, options[i].option, &value) || value == wanted) continue;
        if (options[i].is_doubled) wanted /= 2;
        if (setsockopt(descriptor, options[i].level, options[i].option, &wanted, sizeof wanted) == 0) restored |= 1u << i;
    }
    limit_waiting(descriptor);
    return restored;
}

const char *cposix_listener_setting_name(unsigned setting) {
    switch (setting) {
    case cposix_listener_was_blocking: return "O_NONBLOCK";
    case cposix_listener_lingered: return "SO_LINGER";
    case cposix_listener_had_filter: return "SO_ATTACH_FILTER";
    }
    for (int i = 0; i < cposix_listener_setting_count; i++) {
        if (setting == 1u << i) return options[i].name;
    }
    return "";
}
