// Ties Swift's concurrency runtime to one event loop: the main actor and the global executor of this process.
#pragma once
#include <stdbool.h>

// The two words of Swift's UnownedSerialExecutor.
typedef struct {
    void *identity;
    void *implementation;
} cposix_executor_ref;

// Makes `executor` the main actor's executor, and `enqueue` the taker of every job that has no executor of its own, and of the main
// actor's (`is_isolated`).
// Takes effect for this process only; calling it again (after a fork) replaces the pair.
void cposix_adopt_concurrency(cposix_executor_ref executor, void (*enqueue)(void *job, bool is_isolated));
// Undoes it: the runtime's own executors take over.
void cposix_release_concurrency(void);
