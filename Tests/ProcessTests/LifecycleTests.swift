// The events of workers, with real forks: each once, in order, for every kind of end.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct TheLifecycle {
        struct Event {
            let name: String
            let fields: [String: String]

            subscript(field: String) -> String { fields[field] ?? "" }
            var id: Int { Int(self["id"]) ?? 0 }
        }

        /// Everything that the probe says in a scenario.
        private func events(_ scenario: String) throws -> [Event] {
            let program = try Running("everycore-lifecycle-probe", [scenario], environment: ["SWIFT_BACKTRACE": "enable=no"])
            #expect(program.wait(within: .seconds(10)) == 0, "\(program.output)\(program.error)")
            return program.output.split(separator: "\n").map { line in
                let words = line.split(separator: " ").map(String.init)
                let pairs = words.dropFirst().map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
                return Event(
                    name: words.first ?? "",
                    fields: Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first }))
            }
        }

        private func names(_ events: [Event], id: Int) -> [String] {
            events.filter { $0.id == id }.map { $0.name == "message" ? $0["text"] : $0.name }
        }

        /// `hello` is sent by the body, and `bye` while it drains. `fork` has two handlers.
        private let whole = ["fork", "again", "online", "hello", "listening", "bye", "disconnect", "exit"]

        private func exit(_ events: [Event], id: Int) throws -> Event {
            try #require(events.first { $0.name == "exit" && $0.id == id })
        }

        /// What holds in every scenario.
        private func expectOrder(_ events: [Event]) throws {
            for id in Set(events.map(\.id)).subtracting([0]) {
                let own = events.filter { $0.id == id }
                #expect(Set(own.map { $0["slot"] + "." + $0["gen"] }).count == 1, "an id for two workers")
                #expect(own.allSatisfy { $0["slot"] == "0" || $0["slot"] == "1" }, "auxiliaries have no events")
                #expect(names(events, id: id).filter { !whole.contains($0) } == [])
                // In the order of the docs, and none twice.
                let places = names(events, id: id).compactMap(whole.firstIndex(of:))
                #expect(places == places.sorted() && Set(places).count == places.count, "\(names(events, id: id))")
                #expect(own.last?.name == "exit")
                #expect(own.filter { $0.name == "fork" }.allSatisfy { $0["connected"] == "true" && $0["dead"] == "false" })
                #expect(own.filter { $0.name == "disconnect" }.allSatisfy { $0["connected"] == "false" && $0["dead"] == "false" })
                #expect(try exit(events, id: id)["dead"] == "true")
            }
            let workers = events.filter { $0.name == "workers" }.map { $0["ids"] }
            #expect(workers.first == "" && workers.last == "")
        }

        @Test func ofAWorkerThatIsToldToDisconnectIsWholeAndItsSlotIsFilledAgain() throws {
            let events = try events("disconnect")
            try expectOrder(events)
            let ids = events.filter { $0.name == "fork" }.map(\.id)
            #expect(ids.count == 3)
            #expect(events.contains { $0.name == "fork" && $0.id == ids.last && $0["slot"] == "0" && $0["gen"] == "2" })
            #expect(events.filter { $0.name == "listening" }.allSatisfy { $0["on"] == "1" })
            for id in ids {
                #expect(names(events, id: id) == whole)
                #expect(try exit(events, id: id)["voluntary"] == "true")
            }
            let lists = events.filter { $0.name == "workers" }.map { $0["ids"].split(separator: ",").compactMap { Int($0) } }
            #expect(lists.count == 3 && lists[1].contains(2) && lists[1] == lists[1].sorted())
        }

        @Test func ofAWorkerThatLeavesByItselfIsWholeAndVoluntary() throws {
            let events = try events("leave")
            try expectOrder(events)
            #expect(names(events, id: 1) == whole)
            #expect(try exit(events, id: 1)["voluntary"] == "true")
        }

        @Test func ofAWorkerThatIsKilledRightAfterItsForkEndsInOrderAndIsVoluntary() throws {
            let events = try events("kill")
            try expectOrder(events)
            #expect(names(events, id: 1).prefix(2) == ["fork", "again"])
            #expect(names(events, id: 1).suffix(2) == ["disconnect", "exit"])
            #expect(try exit(events, id: 1)["reason"] == "SIGKILL")
            // The master's code killed it: that is voluntary.
            #expect(try exit(events, id: 1)["voluntary"] == "true")
        }

        @Test func ofAWorkerThatDiesBeforeItListensHasNoListening() throws {
            for (scenario, reason) in [("crash", "SIGABRT"), ("exit", "status")] {
                let events = try events(scenario)
                try expectOrder(events)
                // What was sent in the same turn of the loop goes down with a crash, and leaves before an exit.
                let hello = scenario == "exit" ? ["hello"] : []
                #expect(names(events, id: 1) == ["fork", "again", "online"] + hello + ["disconnect", "exit"])
                let end = try exit(events, id: 1)
                #expect(end["reason"] == reason && end["voluntary"] == "false")
            }
        }

        @Test func ofAWorkerThatCouldNotBeMadeIsItsExitAlone() throws {
            let events = try events("fork-fails")
            try expectOrder(events)
            let failed = events.filter { $0.name == "exit" && $0["pid"] == "0" }
            #expect(!failed.isEmpty)
            for exit in failed {
                #expect(names(events, id: exit.id) == ["exit"])
                #expect(exit["voluntary"] == "false" && exit["reason"] == "not" && exit["connected"] == "false")
            }
        }

        @Test func ofOneWorkerIsOverBeforeTheNextIsReapedHoweverManyDie() throws {
            let events = try events("wave")
            var waiting: Set<Int> = []
            for event in events where event.id <= 12 {
                if event.name == "disconnect" { waiting.insert(event.id) }
                if event.name == "exit" { waiting.remove(event.id) }
                // The one whose end was noticed first, and the one that is being reaped.
                #expect(waiting.count <= 2, "\(waiting)")
            }
            #expect(Set(events.filter { $0.name == "exit" }.map(\.id)).isSuperset(of: 1...12))
        }
    }
}
