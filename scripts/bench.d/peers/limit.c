// The limit: what a request costs when a server does nothing but read, find the blank line that ends each request,
// and write a constant. Responses to one batch of pipelined requests go out in one write. No routing, no clock, no log.
// usage: limit PORT WORKERS plain|json|close
// One process per worker, each with its own listener and epoll. Everything a peer may send is met with the constant.

#include "prefork.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum { DESCRIPTORS = 65536, BATCH = 256 };

struct connection {
    unsigned matched;  // how much of "\r\n\r\n" the last read ended with
    size_t owed;       // bytes that the socket did not take yet; they start at `offset` of a response
    size_t offset;
};

static struct connection connections[DESCRIPTORS];
static char input[65536];
static char responses[BATCH * 512];
static size_t response_length;
static int closes;

static void prepare(const char *kind) {
    const char *body = strcmp(kind, "json") ? "Hello, World!" : "{\"message\":\"Hello, World!\"}";
    const char *type = strcmp(kind, "json") ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
    closes = !strcmp(kind, "close");
    char one[512];
    response_length = snprintf(one, sizeof one,
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 05:40:00 GMT\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
        type, strlen(body), closes ? "Connection: close\r\n" : "", body);
    for (int i = 0; i < BATCH; i++) memcpy(responses + i * response_length, one, response_length);
}

/// How many requests end in these bytes.
static unsigned count_blank_lines(struct connection *c, const char *bytes, size_t length) {
    static const char blank[] = "\r\n\r\n";
    const char *at = bytes, *end = bytes + length;
    unsigned found = 0;
    while (c->matched > 0 && at < end) {  // a blank line split by the previous read
        c->matched = *at == blank[c->matched] ? c->matched + 1 : *at == '\r';
        at++;
        if (c->matched == 4) found++, c->matched = 0;
    }
    if (c->matched > 0) return found;
    for (const char *hit; (hit = memmem(at, end - at, blank, 4)); at = hit + 4) found++;
    for (size_t tail = end - at < 3 ? end - at : 3; tail > 0; tail--)
        if (!memcmp(end - tail, blank, tail)) { c->matched = tail; break; }
    return found;
}

/// False when the connection is broken.
static int flush(int fd, struct connection *c) {
    while (c->owed > 0) {
        size_t ready = BATCH * response_length - c->offset;
        ssize_t written = write(fd, responses + c->offset, c->owed < ready ? c->owed : ready);
        if (written < 0) return errno == EAGAIN || errno == EINTR;
        c->owed -= written;
        c->offset = (c->offset + written) % response_length;
    }
    return 1;
}

static int serve_connection(int poll, int fd) {
    struct connection *c = &connections[fd];
    if (c->owed > 0) {  // woken because the socket takes bytes again
        if (!flush(fd, c)) return 0;
        if (c->owed > 0) return 1;
        struct epoll_event reading = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_MOD, fd, &reading);
        return !closes;
    }
    ssize_t length = read(fd, input, sizeof input);
    if (length <= 0) return length < 0 && (errno == EAGAIN || errno == EINTR);
    unsigned requests = count_blank_lines(c, input, length);
    if (requests == 0) return 1;
    c->owed = requests * response_length;
    if (!flush(fd, c)) return 0;
    if (c->owed == 0) return !closes;
    struct epoll_event writing = {.events = EPOLLOUT, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_MOD, fd, &writing);
    return 1;
}

static void accept_all(int poll, int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (fd >= DESCRIPTORS) { close(fd); continue; }
        connections[fd] = (struct connection){0};
        struct epoll_event reading = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &reading);
    }
}

static void serve(int port) {
    int listener = listen_on(port), poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) err(1, "epoll_create1");
    struct epoll_event accepting = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &accepting);
    for (;;) {
        int ready = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(poll, listener);
            else if (!serve_connection(poll, fd)) close(fd);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 4) errx(64, "usage: limit PORT WORKERS plain|json|close");
    signal(SIGPIPE, SIG_IGN);
    prepare(arguments[3]);
    prefork(atoi(arguments[2]), atoi(arguments[1]), serve);
}
