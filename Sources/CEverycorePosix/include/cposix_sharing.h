// What workers share while they run, and a master that another one follows.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- Words in shared memory ---

static inline uint32_t cposix_load32(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
static inline void cposix_store32(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
// Stores `value` if the word is still `seen`: whether it did.
static inline int cposix_exchange32(uint32_t *word, uint32_t seen, uint32_t value) {
    return __atomic_compare_exchange_n(word, &seen, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// --- A new program in the place of this one ---

// Names the process that takes this one's place to the one that stands by for both.
void cposix_name_successor(pid_t guardian, pid_t successor);
// From here on each signal that a master knows goes to a child that has taken this process's place, at once and until this process ends; so
// do those that were noted and not taken.
void cposix_pass_on_orders(pid_t successor);
// Goes on with that for good: reaps every child, and ends as the successor does, or as the one that it named last.
_Noreturn void cposix_stand_by(void);

// --- Memory that outlives a program ---

// A zeroed file in memory of a size that stays, all of it there: a descriptor, or -1 with errno.
int cposix_memory_file(size_t count);
// Maps such a file, shared; NULL where it isn't one of that size.
void *cposix_map_file(int file, size_t count);
// Takes memory that was mapped out of this process.
void cposix_unmap(void *memory, size_t count);
