// Packets that carry a descriptor, and the sealed files that large messages travel in.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// How many descriptors a packet may bring; the kernel closes those that come beyond.
enum { cposix_packet_descriptor_limit = 4 };

// What came with a packet: its descriptors (close-on-exec, the caller's to close), and whether some were lost (MSG_CTRUNC).
typedef struct {
    int count;
    int were_cut;
    int descriptors[cposix_packet_descriptor_limit];
} cposix_packet_descriptors;

// recvmsg(2) without waiting: as cposix_receive, with the descriptors that came along. `more` is filled in every case.
ssize_t cposix_receive_packet(int socket, void *bytes, size_t count, cposix_packet_descriptors *more);
// sendmsg(2) without waiting and without SIGPIPE, with one descriptor along (SCM_RIGHTS, unix(7)).
ssize_t cposix_send_with_descriptor(int socket, const void *bytes, size_t count, int descriptor);
// A file in memory that holds these bytes and can never change again (memfd_create(2), F_ADD_SEALS of fcntl(2)),
// close-on-exec: a descriptor, or -1 with errno. Where the kernel or a sandbox refuses, it is a file without a name below /dev/shm, and
// isn't sealed.
int cposix_sealed_file(const void *bytes, size_t count);
// The size of a file that is sealed against writing, shrinking and growing, or is kept in memory by the kernel (tmpfs(5)); -1 for any
// other descriptor.
int64_t cposix_sealed_size(int descriptor);
// pread(2) from the beginning until `count` bytes are there: 0, or -1 with errno (EIO when the file ends before).
int cposix_read_whole(int descriptor, void *bytes, size_t count);
