// Requests between a worker and its master, both ways, and async code in the master: what each finds is printed.

#if TestPrograms
import CEverycorePosix
import Cluster
import EverycoreLoop
import Glibc

private func describe(_ result: Result<Answer, RequestError>) -> String {
    switch result {
    case .success(let answer): "\(answer.number) from \(answer.from)"
    case .failure(let error): "\(error)"
    }
}

func askBothWays() throws {
    func answer(_ question: Question, _ who: String) async throws -> Answer {
        switch question.wish {
        case .answer: break
        case .throwing: throw Sulk()
        case .silence: try await Task.sleep(for: .seconds(30))
        case .death: kill(getpid(), SIGKILL)
        case .later: try await Task.sleep(for: .milliseconds(5))
        }
        return Answer(number: question.number + 1, from: who)
    }
    let wishes: [(Int, Question.Wish)] = [(1, .answer), (2, .throwing), (3, .silence), (4, .later)]
    try Cluster(workers: .count(1), options: quiet()) { worker in
        worker.onRequest(Question.self) { try await answer($0, "worker") }
        Task { @MainActor in
            guard worker.generation == 1 else { return }
            for (number, wish) in wishes {
                let question = Question(number: number, wish: wish)
                do {
                    let reply = try await worker.request(question, deadline: .milliseconds(100))
                    try worker.send("worker asks: \(reply.number) from \(reply.from)")
                } catch {
                    try worker.send("worker asks: \(error)")
                }
            }
            let cancelled = Task { @MainActor in
                try await worker.request(Question(number: 5, wish: .silence), deadline: .seconds(5))
            }
            await Task.yield()
            cancelled.cancel()
            do { _ = try await cancelled.value } catch { try worker.send("worker asks: \(type(of: error))") }
            do { _ = try await worker.request(Unanswered(), deadline: .seconds(1)) } catch {
                try worker.send("worker asks: \(error)")
            }
            try worker.send("done")
        }
    }
    .onRequest(Question.self) { question, _ in try await answer(question, "master") }
    .onMessage(String.self) { line, worker in
        guard line == "done" else { return fact("fact", line) }
        Task { @MainActor in
            for (number, wish) in wishes + [(5, .death)] {
                let began = EventLoop.monotonicNanoseconds()
                do {
                    let reply = try await worker.request(
                        Question(number: number, wish: wish), deadline: number == 5 ? .seconds(20) : .milliseconds(100))
                    fact("fact", "master asks: \(reply.number) from \(reply.from)")
                } catch {
                    fact("fact", "master asks: \(error)")
                }
                if number == 5 { fact("at-once", EventLoop.monotonicNanoseconds() &- began < 5_000_000_000) }
            }
            fact("threads", cposix_thread_count())
            stopMaster()
        }
    }
    .run()
}

// MARK: Async code in the master

/// Tasks of the master that wait while children are made: they go on in the master, and never in a child.
func runTasksInMaster() throws {
    let masterPID = getpid()
    try Cluster(workers: .count(2), options: quiet()) { worker in
        Task {
            try await Task.sleep(for: .milliseconds(30))
            let isHome = worker.loop.isOnLoop
            try await worker.sendWhenRoom("worker threads \(cposix_thread_count()), on its loop \(isHome)")
            try worker.send(Note(id: worker.generation))
        }
    }
    .onStart { _ in }
    .onMessage(Note.self) { note, worker in
        // This task waits while the worker's successor is forked.
        Task {
            try await Task.sleep(for: .milliseconds(20))
            if getpid() != masterPID { fact("leak", "a task of the master runs in \(getpid())") }
            if note.id < 3 { kill(worker.pid, SIGKILL) }
        }
        Task { @MainActor in
            await Task.yield()
            if getpid() != masterPID { fact("leak", "a task of the master runs in \(getpid())") }
            fact("master", "threads \(cposix_thread_count())")
            if note.id == 3, worker.slot == 0 { stopMaster() }
        }
    }
    .onMessage(String.self) { line, _ in fact("worker", line) }
    .run()
    fact("end", cposix_thread_count())
}
#endif
