// What the kernel tells of processes and of the queues of listeners.
#pragma once
#include <stdint.h>

typedef struct {
    // CPU time of all threads, in nanoseconds.
    uint64_t user;
    uint64_t system;
    // Context switches.
    uint64_t voluntary;
    uint64_t involuntary;
} cposix_usage;

// What this process has used so far (getrusage(2)): 0, or -1 with errno.
int cposix_process_usage(cposix_usage *usage);

// Opens what tells how long the calling thread has run and waited for a core: a descriptor, or -1 with errno.
int cposix_open_run_time(void);
// In nanoseconds. 0, or -1 where the kernel keeps no account of it.
int cposix_read_run_time(int descriptor, uint64_t *running, uint64_t *waiting);
// How long the calling thread has run, in nanoseconds (CLOCK_THREAD_CPUTIME_ID).
uint64_t cposix_thread_nanoseconds(void);

// How many descriptors this process has; -1 where the kernel doesn't say without a walk through them (before Linux 6.2).
long cposix_open_descriptor_count(void);

// How many connections wait in the queue of a listening socket, TCP or Unix, and how many fit: 0, or -1 where the kernel doesn't say.
int cposix_accept_queue(int listener, uint32_t *length, uint32_t *limit);
