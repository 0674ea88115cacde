// Which requests are quarantined, for how long, and which are not.

import Glibc
import TestSupport
import Testing

extension ProcessTests.ARouteThatKillsWorkers {
    @Test(arguments: [("/brittle?die", "GET /brittle"), ("/brittle-async?die", "GET /brittle-async"), ("/brittle?exit", "GET /brittle")])
    func killsNoWorkerFromTheThirdDeathOn(_ target: String, _ route: String) throws {
        let server = try start()
        try kill(server, target)
        try awaitQuarantine(server, route)
        let workers = server.workers
        let watch = try Watch(server)
        for _ in 0..<10 {
            try kill(server, target, times: 1)
            try watch.run(within: .milliseconds(20)) { false }
        }
        watch.finish()
        #expect(watch.losses.isEmpty, "\(watch.losses)")
        #expect(watch.probeFailures == [])
        #expect(server.workers == workers)
        let active = try #require(page(server).active.first)
        #expect(active.deaths >= 4 && active.request == route, "\(active)")
        #expect(lines(server, "quarantine began").count == 1)
        #expect(try server.getAdmin("/metrics").body.contains(#"everycore_quarantine_active{route="\#(route)"} 1"#))
        #expect(server.stop() == 0)
    }

    @Test func withEachTimeAnotherPathIsSuspectAsAWhole() throws {
        let server = try start()
        for _ in 0..<10 { #expect(try server.get("/plaintext").status == 200) }
        for name in ["a", "b", "c"] { try kill(server, "/brittle/\(name)?die", times: 1) }
        try awaitQuarantine(server, "GET /brittle/:name")
        #expect(try page(server).active.first?.request == nil)
        #expect(try slot(server.get("/brittle/d")) > 1)
        #expect(server.stop() == 0)
    }

    @Test func onOnePathLeavesItsOtherPathsWhereTheyAre() throws {
        let server = try start()
        try kill(server, "/brittle/a?die")
        try awaitQuarantine(server, "GET /brittle/:name")
        let slots = try Set((0..<10).map { _ in try slot(server.get("/brittle/b")) })
        #expect(slots.isSubset(of: [0, 1]))
        #expect(try slot(server.get("/brittle/a")) > 1)
        #expect(server.stop() == 0)
    }

    @Test func killsTheQuarantineWorkerInFewLines() throws {
        let server = try start()
        try kill(server, "/brittle?die", times: 33)
        try awaitQuarantine(server, "GET /brittle")
        #expect(try page(server).active[0].deaths >= 30)
        #expect((8...12).contains(lines(server, "worker died").count { $0.contains("worker=quarantine") }))
        #expect(server.stop() == 0)
    }

    @Test func comesBackWhenItHasBehavedAndGoesAtOnceWhenItHasNot() throws {
        let server = try start("quarantine.duration=1s")
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        #expect(server.program.logs("quarantine ended", within: .seconds(5)))
        #expect(try page(server).active.isEmpty)
        #expect(try slot(server.get("/brittle")) <= 1)
        try kill(server, "/brittle?die", times: 1)
        try awaitQuarantine(server, "GET /brittle")
        #expect(try page(server).active[0].remaining_seconds > 1)
        #expect(server.stop() == 0)
    }

    @Test func beginsAnewWithAReload() throws {
        let server = try start()
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        server.program.signal(SIGHUP)
        #expect(server.program.logs("] reloaded\n"))
        #expect(try page(server).active.isEmpty)
        #expect(try slot(server.get("/brittle")) <= 1)
        #expect(server.stop() == 0)
    }

    @Test func isSparedWhereItIsSwitchedOff() throws {
        let server = try start()
        try kill(server, "/spared?die", times: 5)
        try server.awaitReady(2)
        #expect(try page(server).active.isEmpty)
        #expect(server.stop() == 0)
        let off = try start("quarantine.deaths=0")
        try kill(off, "/brittle?die", times: 5)
        try off.awaitReady(2)
        #expect(try page(off).active.isEmpty)
        #expect(off.stop() == 0)
    }

    @Test func isNotTheOneWhoseWorkersAnOperatorKills() throws {
        let server = try start()
        for _ in 0..<5 {
            try server.awaitReady(2)
            let client = try server.connect()
            let who = try client.whoami()
            client.request("GET", "/brittle?ms=5000")
            server.awaitHeld([who.pid])
            Glibc.kill(who.pid, SIGKILL)
            #expect(client.awaitEnd() != nil)
        }
        #expect(try page(server).active.isEmpty)
        #expect(server.stop() == 0)
    }

    @Test func releasesRoutesThatOnlyWaitedBesideIt() throws {
        let server = try start()
        // Until the master has samples of the normal state.
        server.program.letTimePass(.seconds(5))
        for _ in 0..<3 {
            let waiting = try (0..<4).map { _ in try server.connect() }
            for client in waiting { client.request("GET", "/wait?ms=3000") }
            server.program.letTimePass(.milliseconds(50))
            try kill(server, "/brittle-child?die", times: 1)
            for client in waiting { client.leave() }
            try server.awaitReady(2)
        }
        #expect(lines(server, "quarantine began").count == 2)
        // Apart from the other, and not killed by it.
        let waiting = try server.connect()
        waiting.request("GET", "/wait?ms=300")
        try kill(server, "/brittle-child?die")
        #expect(try waiting.reply().status == 200)
        waiting.leave()
        #expect(try page(server).active.map(\.route) == ["GET /brittle-child"])
        #expect(lines(server, "quarantine ended").first?.contains("because=another kills without it") == true)
        #expect(server.stop() == 0)
    }

    @Test func isNotSuspectWhereAnotherRouteKills() throws {
        let server = try start()
        // Always in flight, in every worker, when others die.
        let slow = try (0..<8).map { _ in try server.connect() }
        var isOver = [Bool](repeating: false, count: slow.count)
        for round in 0..<4 {
            for (index, client) in slow.enumerated() where !isOver[index] { client.request("GET", "/brittle-async?ms=300") }
            server.program.letTimePass(.milliseconds(30))
            if round < 3 { try kill(server, "/brittle?die", times: 1) }
            for (index, client) in slow.enumerated() where !isOver[index] { isOver[index] = (try? client.reply()) == nil }
        }
        #expect(try page(server).active.map(\.route) == ["GET /brittle"])
        #expect(server.stop() == 0)
    }
}
