// The hooks are exported by Swift's concurrency runtime for embedders such as this
// (swift/include/swift/Runtime/Concurrency.h); they use Swift's calling convention, which only C can state.
#include "cposix_concurrency.h"
#include <stddef.h>

#define SWIFT_CC __attribute__((swiftcall))

typedef SWIFT_CC void (*enqueue_original)(void *job);
typedef SWIFT_CC cposix_executor_ref (*get_main_original)(void);
typedef SWIFT_CC bool (*is_main_original)(cposix_executor_ref executor);

extern SWIFT_CC void (*swift_task_enqueueGlobal_hook)(void *job, enqueue_original original);
extern SWIFT_CC void (*swift_task_enqueueMainExecutor_hook)(void *job, enqueue_original original);
extern SWIFT_CC cposix_executor_ref (*swift_task_getMainExecutor_hook)(get_main_original original);
extern SWIFT_CC bool (*swift_task_isMainExecutor_hook)(cposix_executor_ref executor, is_main_original original);

static cposix_executor_ref main_executor;
static void (*enqueue_job)(void *job, bool is_isolated);

static SWIFT_CC void enqueue_on_loop(void *job, enqueue_original original) {
    (void)original;
    enqueue_job(job, false);
}

static SWIFT_CC void enqueue_on_main(void *job, enqueue_original original) {
    (void)original;
    enqueue_job(job, true);
}

static SWIFT_CC cposix_executor_ref get_main(get_main_original original) {
    (void)original;
    return main_executor;
}

static SWIFT_CC bool is_main(cposix_executor_ref executor, is_main_original original) {
    (void)original;
    return executor.identity == main_executor.identity;
}

void cposix_adopt_concurrency(cposix_executor_ref executor, void (*enqueue)(void *job, bool is_isolated)) {
    main_executor = executor;
    enqueue_job = enqueue;
    swift_task_enqueueGlobal_hook = enqueue_on_loop;
    swift_task_enqueueMainExecutor_hook = enqueue_on_main;
    swift_task_getMainExecutor_hook = get_main;
    swift_task_isMainExecutor_hook = is_main;
}

void cposix_release_concurrency(void) {
    swift_task_enqueueGlobal_hook = NULL;
    swift_task_enqueueMainExecutor_hook = NULL;
    swift_task_getMainExecutor_hook = NULL;
    swift_task_isMainExecutor_hook = NULL;
}
