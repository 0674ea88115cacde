// Requests in quarantine: answered, refused or ended; and the connection goes back.

import Glibc
import TestSupport
import Testing

extension ProcessTests.ARouteThatKillsWorkers {
    @Test func isAnsweredInQuarantineAndTheConnectionGoesBack() throws {
        let server = try start()
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        let client = try server.connect()
        for _ in 0..<20 {
            client.request("GET", "/brittle")
            #expect(try slot(client.reply()) > 1)
            #expect(try (0...1).contains(client.whoami().worker))
        }
        // In one packet: each request is answered where it belongs, in order.
        client.send(String(repeating: "GET /whoami HTTP/1.1\r\nHost: a\r\n\r\nGET /brittle HTTP/1.1\r\nHost: a\r\n\r\n", count: 10))
        for _ in 0..<10 {
            #expect(try (0...1).contains(client.reply().identity().worker))
            #expect(try slot(client.reply()) > 1)
        }
        #expect(try server.stats().total.connections.open <= 2)
        client.leave()
        #expect(server.stop() == 0)
    }

    @Test func takesItsContentAlong() throws {
        let server = try start()
        for _ in 0..<3 {
            let client = try server.connect()
            client.request("POST", "/brittle?die", body: "x")
            #expect(client.awaitEnd() != nil)
        }
        try awaitQuarantine(server, "POST /brittle")
        let text = String(repeating: "0123456789", count: 20_000)
        let client = try server.connect()
        client.request("POST", "/brittle", body: text)
        let reply = try client.reply()
        #expect(try slot(reply) > 1)
        #expect(reply.body.hasSuffix(" \(text)\n"))
        // In two pieces, after the 100.
        client.send("POST /brittle HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(try client.reply().status == 100)
        client.send("ab")
        server.program.letTimePass(.milliseconds(20))
        client.send("cd")
        #expect(try client.reply().body.hasSuffix(" abcd\n"))
        #expect(try (0...1).contains(client.whoami().worker))
        client.leave()
        #expect(server.stop() == 0)
    }

    @Test func isCountedOnceInWhicheverWorkerItEnds() throws {
        let server = try start()
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        let before = try server.stats().total
        let client = try server.connect()
        for turn in 0..<30 {
            client.request("GET", "/brittle")
            #expect(try client.reply().status == 200)
            if turn % 10 == 5 { try kill(server, "/brittle?die", times: 1) }
        }
        client.leave()
        #expect(server.program.becomesTrue(within: .seconds(2)) { (try? server.stats().total.connections.open) == 0 })
        let after = try server.stats().total
        #expect(after.requests - before.requests == 30)
        // Those that died and the one that stayed; moves between workers don't count.
        #expect(after.connections.accepted - before.connections.accepted == 4)
        #expect(server.stop() == 0)
    }

    @Test func isRefusedWhereTooManyWait() throws {
        let server = try start("quarantine.queue=2")
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        #expect(try server.get("/brittle").status == 200)
        let clients = try (0..<6).map { _ in try server.connect() }
        for client in clients {
            client.request("GET", "/brittle?ms=700")
            server.program.letTimePass(.milliseconds(20))
        }
        let replies = try clients.map { try $0.reply() }
        // One runs, two wait.
        #expect(replies.map(\.status) == [200, 200, 200, 503, 503, 503])
        #expect(replies.allSatisfy { $0.status == 200 || $0["retry-after"] != nil })
        #expect(try page(server).refused == 3)
        #expect(try clients.allSatisfy { try $0.whoami().worker <= 1 })
        for client in clients { client.leave() }
        #expect(server.stop() == 0)
    }

    @Test func isEndedWhereItHoldsTheQuarantineWorker() throws {
        let server = try start("quarantine.stuck=500ms")
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        let stuck = try server.connect()
        stuck.request("GET", "/brittle?ms=20000")
        server.awaitHeld()
        let next = try server.connect()
        next.request("GET", "/brittle")
        #expect(stuck.awaitEnd(within: .seconds(8)) != nil)
        #expect(try next.reply(within: .seconds(8)).status == 200)
        #expect(lines(server, "killing a stuck worker").first?.contains("worker=quarantine") == true)
        next.leave()
        #expect(server.stop() == 0)
    }

    @Test func isEndedWhereItStopsTheQuarantineWorker() throws {
        let server = try start("quarantine.stuck=500ms")
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        let client = try server.connect()
        client.request("GET", "/brittle?stop")
        #expect(client.awaitEnd(within: .seconds(8)) != nil)
        #expect(try server.get("/brittle", within: .seconds(8)).status == 200)
        #expect(server.stop() == 0)
    }

    @Test func isRefusedWhereTheQuarantineWorkerCannotStart() throws {
        let server = try start("quarantine_fails=1")
        try kill(server, "/brittle?die")
        #expect(server.program.becomesTrue(within: .seconds(5)) { (try? page(server).active.map(\.route)) == ["GET /brittle"] })
        let clients = try (0..<5).map { _ in try server.connect() }
        for client in clients { client.request("GET", "/brittle") }
        for client in clients {
            #expect(try client.reply(within: .seconds(13)).status == 503)
            #expect(try client.whoami().worker <= 1)
        }
        let start = ContinuousClock.now
        #expect(try server.get("/brittle").status == 503)
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(lines(server, "the quarantine worker can't be started").count == 1)
        for client in clients { client.leave() }
        #expect(server.stop() == 0)
    }

    @Test func isQuarantinedAlsoWhereAWorkerHasShutDownTheWaysToTheQuarantine() throws {
        let server = try start()
        // Before it begins, and with the quarantine worker there.
        for turn in 1...2 {
            let client = try server.connect()
            client.request("GET", "/shut-down-hand-overs")
            #expect(try client.reply().status == 200)
            client.leave()
            #expect(server.program.becomesTrue(within: .seconds(4)) { lines(server, "was shut down: restored").count == 4 * turn })
            server.program.letTimePass(.milliseconds(100))
            if turn == 1 { try kill(server, "/brittle?die") }
            try awaitQuarantine(server, "GET /brittle")
            let client2 = try server.connect()
            for _ in 0..<10 {
                client2.request("GET", "/brittle")
                #expect(try slot(client2.reply()) > 1)
                #expect(try (0...1).contains(client2.whoami().worker))
            }
            client2.send("GET /brittle HTTP/1.1\r\nHost: a\r\n\r\nGET /whoami HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try slot(client2.reply()) > 1)
            #expect(try (0...1).contains(client2.reply().identity().worker))
            client2.leave()
        }
        let before = try spent(server)
        server.program.letTimePass(.seconds(1))
        #expect(try spent(server) - before < 0.2)
        #expect(server.stop() == 0)
    }

    @Test func isAnsweredWhileTheClusterStops() throws {
        let server = try start()
        try kill(server, "/brittle?die")
        try awaitQuarantine(server, "GET /brittle")
        #expect(try server.get("/brittle").status == 200)
        // For longer than auxiliaries have.
        let clients = try (0..<12).map { _ in try server.connect() }
        for client in clients { client.request("GET", "/brittle?ms=200") }
        server.program.letTimePass(.milliseconds(50))
        server.program.signal(SIGTERM)
        for client in clients { #expect(try client.reply(within: .seconds(5)).status == 200) }
        #expect(server.program.wait(within: .seconds(5)) == 0)
    }
}
