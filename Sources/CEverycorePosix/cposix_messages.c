#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

ssize_t cposix_receive_packet(int socket, void *bytes, size_t count, cposix_packet_descriptors *more) {
    more->count = 0;
    more->were_cut = 0;
    // Any process that holds the socket can have the kernel put credentials, a security label and a pidfd before the descriptors
    // (SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD of unix(7)): there is room for these, too.
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * cposix_packet_descriptor_limit) + 512];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    if (got < 0 || (message.msg_controllen == 0 && (message.msg_flags & MSG_CTRUNC) == 0)) return got;
    more->were_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item != NULL; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || (item->cmsg_type != SCM_RIGHTS && item->cmsg_type != SCM_PIDFD)) continue;
        size_t brought = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < brought; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
            if (item->cmsg_type == SCM_PIDFD) {
                // It was not asked for. Where the kernel could make none, it is negative.
                if (descriptor >= 0) close(descriptor);
            } else if (more->count < cposix_packet_descriptor_limit) {
                more->descriptors[more->count++] = descriptor;
            } else {
                close(descriptor);
                more->were_cut = 1;
            }
        }
    }
    return got;
}

ssize_t cposix_send_with_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &descriptor, sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// A file in memory without a name, for kernels and sandboxes without memfd_create.
static int unnamed_file(void) {
    return open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

int cposix_sealed_file(const void *bytes, size_t count) {
    // Newer kernels warn without MFD_NOEXEC_SEAL, older ones refuse the flag (memfd_create(2)).
    int file = memfd_create("everycore-message", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (file < 0 && errno == EINVAL) file = memfd_create("everycore-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int code = errno;
    if (file < 0) file = unnamed_file();
    if (file < 0) {
        errno = code;
        return -1;
    }
    const char *rest = bytes;
    while (count > 0) {
        ssize_t written = write(file, rest, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) goto failed;
        rest += written;
        count -= (size_t)written;
    }
    // Without seals the receiver looks at the file system.
    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return file;
failed:
    code = errno;
    close(file);
    errno = code;
    return -1;
}

int64_t cposix_sealed_size(int descriptor) {
    int seals = fcntl(descriptor, F_GET_SEALS);
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return -1;
    if (seals >= 0 && (seals & wanted) == wanted) return status.st_size;
    // Nothing but the sender's good will keeps such a file as it is. It is read by copying, where one that shrank is an error, and
    // only where no disk and no program can make the reader wait.
    const unsigned memory = 0x01021994;  // TMPFS_MAGIC (statfs(2))
    struct statfs system;
    return fstatfs(descriptor, &system) == 0 && (unsigned)system.f_type == memory ? status.st_size : -1;
}

int cposix_read_whole(int descriptor, void *bytes, size_t count) {
    size_t have = 0;
    while (have < count) {
        ssize_t got = pread(descriptor, (char *)bytes + have, count - have, (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EIO;
        if (got <= 0) return -1;
        have += (size_t)got;
    }
    return 0;
}
