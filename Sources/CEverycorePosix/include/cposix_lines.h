// Lines of a log: the memory in which they wait, and the file that they go to.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- Words in shared memory ---

static inline uint64_t cposix_load64(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void cposix_store64(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

// As cposix_map_shared, but only what is written to takes memory, and no core dump has it.
void *cposix_map_rings(size_t count);

// --- The file ---

// What a descriptor stands for, as far as writing lines to it is concerned.
enum { cposix_log_file = 0, cposix_log_pipe = 1, cposix_log_other = 2 };
int cposix_log_kind(int descriptor);

// Opens a file to append to, made with mode 0640 where there is none: a descriptor, nonblocking and close-on-exec; or -1 with errno. A
// pipe that nothing reads is opened, too. A symbolic link in its place is followed only where root or this process's user made it
// (else ELOOP): this process may have rights that others lack who can write to the directory.
int cposix_open_log(const char *path);

// The file's identity and size, for a regular file: 0, or -1.
int cposix_log_status(int descriptor, uint64_t *device, uint64_t *inode, uint64_t *size);
// Cuts a regular file's end off, if it is as long as expected: 0, or -1.
int cposix_log_cut(int descriptor, uint64_t expected, uint64_t size);
// A part of what is to be written: an iovec (writev(2)).
typedef struct {
    const void *start;
    size_t count;
} cposix_part;
// As writev(2).
ssize_t cposix_write_parts(int descriptor, const cposix_part *parts, int count);
// The same at the end of a regular file, wherever that is by now (RWF_APPEND, pwritev2(2)).
ssize_t cposix_append_parts(int descriptor, const cposix_part *parts, int count);
