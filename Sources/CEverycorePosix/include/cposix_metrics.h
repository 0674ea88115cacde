// Memory in which processes count the application's metrics: sparse, shared between a worker and the master, at one address in all.
#pragma once
#include <stddef.h>

// Zeroed memory that children share; no swap or RAM is set aside for what is never touched. NULL where the kernel refuses.
void *cposix_map_sparse(size_t count);
// Puts the pages at `from` in the place of those at `to`: 0, or -1 with errno.
int cposix_move_pages(void *from, void *to, size_t count);
// Puts zeroed memory of this process's own in the place of those at `at`: 0, or -1 with errno.
int cposix_replace_pages(void *at, size_t count);
// Later children don't get these pages.
void cposix_keep_pages_from_children(void *memory, size_t count);
// A nonblocking datagram socket that sends to an address in numbers, or to a Unix socket where `path` is not NULL: a descriptor, or -1 with
// errno.
int cposix_datagram_to(const char *host, unsigned short port, const char *path);
// Sends a datagram now or not at all: 0, or -1 with errno.
int cposix_send_datagram(int socket, const void *bytes, size_t count);
