// What the C clients share: a loopback connection, and reading exactly as many responses as were asked for.
// A response that isn't `200` with a Content-Length ends the program: such a figure would mean nothing.
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

/// Connects to 127.0.0.1:port from 127.0.0.`source`; -1 with errno when refused.
static inline int connect_to(int port, int source) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) err(1, "socket");
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(0x7f000000 + source);
    if (bind(fd, (struct sockaddr *)&address, sizeof address)) err(1, "bind 127.0.0.%d", source);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static inline void write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);
        if (written < 0) err(1, "send");
        bytes += written;
        length -= written;
    }
}

/// The length of the response that `bytes` (ended by NUL) start with; 0 while its head is incomplete.
static inline size_t response_length(const char *bytes) {
    const char *blank = strstr(bytes, "\r\n\r\n");
    if (!blank) return 0;
    if (strncmp(bytes, "HTTP/1.1 200", 12)) errx(1, "not a 200: %.40s", bytes);
    const char *length = strcasestr(bytes, "\r\ncontent-length:");
    if (!length || length > blank) errx(1, "no Content-Length: %.200s", bytes);
    return blank + 4 - bytes + strtoul(length + 17, NULL, 10);
}

/// Reads until exactly `count` responses are complete.
static inline void read_responses(int fd, int count) {
    char buffer[65536];
    size_t filled = 0;
    while (count > 0) {
        if (filled == sizeof buffer - 1) errx(1, "responses too long");
        ssize_t received = read(fd, buffer + filled, sizeof buffer - 1 - filled);
        if (received < 0) err(1, "read");
        if (received == 0) errx(1, "the server closed the connection");
        filled += received;
        buffer[filled] = 0;
        size_t at = 0, length;
        while (count > 0 && (length = response_length(buffer + at)) > 0 && at + length <= filled) at += length, count--;
        memmove(buffer, buffer + at, filled - at);
        filled -= at;
    }
    if (filled > 0) errx(1, "%zu bytes without a request", filled);
}
