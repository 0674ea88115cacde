// Whose turn it is: lets a worker note which task its loop runs, so that a crash after a suspension has a name.
// A task's job is the task itself, so the two have one address; it is compared and never followed.
// Process: any · Thread: loop

extension EventLoop {
    /// Calls `began` before each job of a task runs on this loop, with the task's identity, and `ended` after it. On the loop's thread.
    /// What a task does before its first suspension, and what is no task's, is not announced.
    package func watchJobs(began: @escaping (UInt) -> Void, ended: @escaping () -> Void) {
        jobs.watcher = JobQueue.Watcher(began: began, ended: ended)
    }

    /// The number under which `watchJobs` announces a task. Never that of another task that lives.
    package static func identity<Success, Failure>(of task: Task<Success, Failure>) -> UInt { address(in: task) }

    static func identity(of job: UnownedJob) -> UInt { address(in: job) }

    /// Both are a structure of one pointer. Were that to change, tasks would go unnamed.
    private static func address<Value>(in value: Value) -> UInt {
        unsafe withUnsafeBytes(of: value) { bytes in
            bytes.count == MemoryLayout<UInt>.size ? unsafe bytes.load(as: UInt.self) : 0
        }
    }
}
