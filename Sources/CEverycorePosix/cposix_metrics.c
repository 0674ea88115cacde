#define _GNU_SOURCE
#include "cposix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void *cposix_map_sparse(size_t count) {
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    // A core dump of a crashed worker needs none of it.
    madvise(memory, count, MADV_DONTDUMP);
    return memory;
}

int cposix_move_pages(void *from, void *to, size_t count) {
    return mremap(from, count, count, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED ? -1 : 0;
}

int cposix_replace_pages(void *at, size_t count) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    return mmap(at, count, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

void cposix_keep_pages_from_children(void *memory, size_t count) { madvise(memory, count, MADV_DONTFORK); }

int cposix_datagram_to(const char *host, unsigned short port, const char *path) {
    struct sockaddr_storage storage = {0};
    socklen_t length;
    struct sockaddr_un *local = (struct sockaddr_un *)&storage;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    if (path) {
        if (strlen(path) >= sizeof local->sun_path) return errno = ENAMETOOLONG, -1;
        local->sun_family = AF_UNIX;
        strcpy(local->sun_path, path);
        length = sizeof *local;
    } else if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        return errno = EINVAL, -1;
    }
    int descriptor = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&storage, length) == 0) return descriptor;
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

int cposix_send_datagram(int socket, const void *bytes, size_t count) {
    return send(socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}
