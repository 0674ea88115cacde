// Opens COUNT connections, has one request served on each, says so, and keeps them open until its input ends.
// usage: idle PORT COUNT
// A source address has fewer than 30,000 ports, so every 8,000 connections another address of 127/8 is taken.

#include "client.h"
#include <sys/resource.h>

int main(int count, char **arguments) {
    if (count != 3) errx(64, "usage: idle PORT COUNT");
    int port = atoi(arguments[1]), wanted = atoi(arguments[2]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < wanted; i++) {
        int fd = connect_to(port, 2 + i / 8000);
        if (fd < 0) err(1, "connection %d of %d", i + 1, wanted);
        write_all(fd, REQUEST, sizeof REQUEST - 1);
        read_responses(fd, 1);
    }
    printf("open %d\n", wanted);
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {}
}
