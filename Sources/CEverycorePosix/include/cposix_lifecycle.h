// How a child ended, and what it used up to then.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// wait4(2): the process that ended, its status, and the most memory that it had in RAM at a time, in bytes.
pid_t cposix_reap(pid_t pid, int options, int *status, uint64_t *peak_resident_bytes);
