// The same answer from either kind of handler, and from one that suspends once, for `scripts/bench`; and the command's routes, with a `/sleep` for as long as a test
// wants. Runs in the workers.

#if TestPrograms
import Everycore

func addConstants(_ routes: inout Routes) {
    routes.get("/constant") { _ in .text("Hello, World!") }
    routes.get("/constant-async") { _ async in .text("Hello, World!") }
    routes.get("/constant-later") { _ async in
        await Task.yield()
        return .text("Hello, World!")
    }
    routes.addDemonstration(longestSleep: 60_000)
}
#endif
