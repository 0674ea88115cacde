#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void *cposix_map_rings(size_t count) {
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    madvise(memory, count, MADV_DONTDUMP);
    return memory;
}

int cposix_log_kind(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return cposix_log_other;
    return S_ISREG(status.st_mode) ? cposix_log_file : S_ISFIFO(status.st_mode) ? cposix_log_pipe : cposix_log_other;
}

static int open_to_append(const char *path, int more) {
    int flags = O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | more;
    int file = open(path, O_WRONLY | flags, 0640);
    // A pipe without a reader: with a reading end of its own it can be opened, and lines wait in it (fifo(7)).
    if (file < 0 && errno == ENXIO) file = open(path, O_RDWR | flags, 0640);
    return file;
}

int cposix_open_log(const char *path) {
    int file = open_to_append(path, O_NOFOLLOW);
    if (file >= 0 || errno != ELOOP) return file;
    struct stat status;
    if (lstat(path, &status) != 0) return -1;
    if (S_ISLNK(status.st_mode) && status.st_uid != 0 && status.st_uid != geteuid()) {
        errno = ELOOP;
        return -1;
    }
    return open_to_append(path, 0);
}

int cposix_log_status(int descriptor, uint64_t *device, uint64_t *inode, uint64_t *size) {
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return -1;
    *device = status.st_dev;
    *inode = status.st_ino;
    *size = (uint64_t)status.st_size;
    return 0;
}

int cposix_log_cut(int descriptor, uint64_t expected, uint64_t size) {
    uint64_t device, inode, now;
    if (cposix_log_status(descriptor, &device, &inode, &now) != 0 || now != expected || size > now) return -1;
    return ftruncate(descriptor, (off_t)size);
}

_Static_assert(sizeof(cposix_part) == sizeof(struct iovec) && offsetof(cposix_part, count) == offsetof(struct iovec, iov_len), "one layout");

ssize_t cposix_write_parts(int descriptor, const cposix_part *parts, int count) { return writev(descriptor, (const struct iovec *)parts, count); }

ssize_t cposix_append_parts(int descriptor, const cposix_part *parts, int count) {
    ssize_t written = pwritev2(descriptor, (const struct iovec *)parts, count, -1, RWF_APPEND);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM && errno != ESPIPE)) return written;
    return cposix_write_parts(descriptor, parts, count);
}
