#define _GNU_SOURCE
#include "cposix_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

int cposix_process_usage(cposix_usage *usage) {
    struct rusage all;
    if (getrusage(RUSAGE_SELF, &all) != 0) return -1;
    usage->user = nanoseconds(all.ru_utime);
    usage->system = nanoseconds(all.ru_stime);
    usage->voluntary = (uint64_t)all.ru_nvcsw;
    usage->involuntary = (uint64_t)all.ru_nivcsw;
    return 0;
}

// --- Run time ---

int cposix_open_run_time(void) { return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC); }

int cposix_read_run_time(int descriptor, uint64_t *running, uint64_t *waiting) {
    char text[96];
    ssize_t count = pread(descriptor, text, sizeof text - 1, 0);
    if (count <= 0) return -1;
    text[count] = 0;
    char *end = text;
    *running = strtoull(text, &end, 10);
    if (*end != ' ') return -1;
    *waiting = strtoull(end, &end, 10);
    return *end == ' ' ? 0 : -1;
}

uint64_t cposix_thread_nanoseconds(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// --- Descriptors ---

long cposix_open_descriptor_count(void) {
    struct stat status;
    // The size of this directory is the number of descriptors from Linux 6.2 on, and 0 before.
    if (stat("/proc/self/fd", &status) != 0 || status.st_size <= 0) return -1;
    return (long)status.st_size;
}

// --- Queues ---

// A listener has its queue where a connection has its segments (tcp_get_info, net/ipv4/tcp.c).
static int tcp_queue(int listener, uint32_t *length, uint32_t *limit) {
    struct tcp_info info;
    socklen_t size = offsetof(struct tcp_info, tcpi_lost);
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
    if (size < offsetof(struct tcp_info, tcpi_lost) || info.tcpi_state != TCP_LISTEN) return -1;
    *length = info.tcpi_unacked;
    *limit = info.tcpi_sacked;
    return 0;
}

// sock_diag(7): the answer is there when the question has been sent.
static int unix_queue(int listener, uint32_t *length, uint32_t *limit) {
    struct stat status;
    if (fstat(listener, &status) != 0) return -1;
    int diagnosis = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (diagnosis < 0) return -1;
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } question = {
        .header = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .request = {
            .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = (uint32_t)status.st_ino, .udiag_show = UDIAG_SHOW_RQLEN,
            .udiag_cookie = {~0u, ~0u}},
    };
    union {
        struct nlmsghdr header;
        char bytes[1024];
    } answer;
    ssize_t count = -1;
    if (send(diagnosis, &question, sizeof question, MSG_NOSIGNAL) == (ssize_t)sizeof question)
        count = recv(diagnosis, &answer, sizeof answer, MSG_DONTWAIT);
    close(diagnosis);
    const size_t begin = NLMSG_LENGTH(sizeof(struct unix_diag_msg));
    if (count < (ssize_t)begin || answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || answer.header.nlmsg_len > (size_t)count) return -1;
    size_t offset = NLMSG_ALIGN(begin);
    while (offset + sizeof(struct nlattr) <= answer.header.nlmsg_len) {
        struct nlattr attribute;
        memcpy(&attribute, answer.bytes + offset, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || offset + attribute.nla_len > answer.header.nlmsg_len) return -1;
        if (attribute.nla_type == UNIX_DIAG_RQLEN && attribute.nla_len >= NLA_HDRLEN + sizeof(struct unix_diag_rqlen)) {
            struct unix_diag_rqlen queue;
            memcpy(&queue, answer.bytes + offset + NLA_HDRLEN, sizeof queue);
            *length = queue.udiag_rqueue;
            *limit = queue.udiag_wqueue;
            return 0;
        }
        offset += NLA_ALIGN(attribute.nla_len);
    }
    return -1;
}

int cposix_accept_queue(int listener, uint32_t *length, uint32_t *limit) {
    if (tcp_queue(listener, length, limit) == 0) return 0;
    int family = 0;
    socklen_t size = sizeof family;
    if (getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_UNIX) return -1;
    return unix_queue(listener, length, limit);
}
