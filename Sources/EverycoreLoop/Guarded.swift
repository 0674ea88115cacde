// A value behind a lock of POSIX threads.
//
// Not Synchronization's Mutex: the thread sanitizer can't see into that one when threads contend for it, and would tell every user
// who looks for races in a program of their own that there is one here. Any thread.
//
// Process: any · Thread: any

import Glibc

@safe final class Guarded<Value>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    init(_ value: Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        // Without attributes it can't fail (pthread_mutex_init(3)).
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
