// What the storms ask for beside the harm: requests that wait, handlers that never return, and a start that takes long.
// Process: worker · Thread: loop

#if TestPrograms
import Cluster
import Everycore
import Glibc

enum Weather {
    /// How long each worker takes to start. Set in the master before the fork.
    nonisolated(unsafe) static var startDelay = Duration.zero

    /// Blocks, as a program does that loads a model or opens its database.
    static func delayStart() {
        let end = ContinuousClock.now + (unsafe startDelay)
        while ContinuousClock.now < end { usleep(10_000) }
    }
}

func addWeather(_ routes: inout Routes) {
    // Holds nothing but its request.
    routes.get("/wait") { request async throws in
        try await Task.sleep(for: .milliseconds(Int(request.queryItem("ms") ?? "") ?? 500))
        return .text("waited\n")
    }
    // Never gives the loop back, and uses all CPU that it gets.
    routes.get("/loop") { _ in
        while true { burn(milliseconds: 1000) }
    }
    // Never gives the loop back, and sleeps.
    routes.get("/loop-async") { _ async throws in
        try await Task.sleep(for: .milliseconds(2))
        while true { usleep(100_000) }
    }
}
#endif
