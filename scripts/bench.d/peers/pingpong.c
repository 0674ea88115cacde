// The bare minimum of two processes that answer each other: one small packet to and fro on a socket pair, nothing else.
//
//   pingpong COUNT BYTES [epoll]      prints the median and the mean round trip in nanoseconds
//
// Without `epoll` both sides block in recv(2); with it both wait in epoll_wait(2) first, as every event loop does.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int waits_in_epoll;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int watched(int descriptor) {
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
    return set;
}

static ssize_t take(int set, int descriptor, char *bytes, size_t size) {
    struct epoll_event event;
    if (waits_in_epoll) epoll_wait(set, &event, 1, -1);
    return recv(descriptor, bytes, size, 0);
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(int count_of_words, char **words) {
    size_t count = count_of_words > 1 ? strtoul(words[1], NULL, 10) : 100000;
    size_t size = count_of_words > 2 ? strtoul(words[2], NULL, 10) : 16;
    waits_in_epoll = count_of_words > 3 && strcmp(words[3], "epoll") == 0;
    static char bytes[65536];
    int pair[2];
    if (count == 0 || size == 0 || size > sizeof bytes || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        int set = watched(pair[1]);
        ssize_t got;
        while ((got = take(set, pair[1], bytes, sizeof bytes)) > 0) send(pair[1], bytes, (size_t)got, MSG_NOSIGNAL);
        _exit(0);
    }
    close(pair[1]);
    int set = watched(pair[0]);
    uint64_t *times = malloc(count * sizeof *times);
    if (times == NULL) return 1;
    for (size_t i = 0; i < count / 10; i++) {
        send(pair[0], bytes, size, MSG_NOSIGNAL);
        take(set, pair[0], bytes, sizeof bytes);
    }
    uint64_t begin = now(), before = begin;
    for (size_t i = 0; i < count; i++) {
        send(pair[0], bytes, size, MSG_NOSIGNAL);
        take(set, pair[0], bytes, sizeof bytes);
        uint64_t after = now();
        times[i] = after - before;
        before = after;
    }
    double mean = (double)(before - begin) / (double)count;
    close(pair[0]);
    waitpid(child, NULL, 0);
    qsort(times, count, sizeof *times, ascending);
    printf("%llu %.0f\n", (unsigned long long)times[count / 2], mean);
    return 0;
}
