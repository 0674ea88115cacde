// Handlers that stay in a known place: a loop, a system call, a wait. Runs in the workers.

#if TestPrograms
import Everycore
@unsafe @preconcurrency import Glibc

func addPlaces(_ routes: inout Routes) {
    routes.get("/place/loop/:name") { _ in .text("\(goesRound(seconds: 3))\n") }
    routes.get("/place/read") { _ in .text("\(readsAnEmptyPipe())\n") }
    routes.get("/place/sleep") { request in
        rest(milliseconds: UInt32(request.queryItem("ms") ?? "") ?? 3000)
        return .text("slept\n")
    }
    // One sleep, which a signal cuts short.
    routes.get("/place/nap") { _ in .text("\(naps(seconds: 8))\n") }
    routes.get("/place/wait") { request async throws in
        try await Task.sleep(for: .milliseconds(Int(request.queryItem("ms") ?? "") ?? 3000))
        return .text("waited\n")
    }
    // Holds the loop after it has waited.
    routes.get("/place/wait-then-loop") { _ async throws in
        try await Task.sleep(for: .milliseconds(2))
        return .text("\(goesRound(seconds: 3))\n")
    }
}

@inline(never)
private func goesRound(seconds: Int) -> Int {
    let end = time(nil) + seconds
    var rounds = 0
    while time(nil) < end { rounds &+= 1 }
    return rounds
}

/// Ends with its worker.
@inline(never)
private func readsAnEmptyPipe() -> Int {
    var ends: [Int32] = [-1, -1]
    var byte: UInt8 = 0
    guard unsafe pipe(&ends) == 0 else { return -1 }
    let count = unsafe read(ends[0], &byte, 1)
    return count + Int(byte)
}

@inline(never)
private func naps(seconds: UInt32) -> UInt32 {
    let left = sleep(seconds)
    // As the last call it would leave no frame of this function.
    return left &+ 1
}

/// Whatever signals come.
@inline(never)
func rest(milliseconds: UInt32) {
    var (time, left) = (timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000), timespec())
    while unsafe nanosleep(&time, &left) != 0, errno == EINTR { time = left }
}
#endif
