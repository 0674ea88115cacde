// The access log of a whole server: as many lines as requests, whole and once, whatever happens to its workers, its writer and its file.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AnAccessLog {
        private let folder = ScratchDirectory()
        private var path: String { folder.path("access.log") }

        private func path(_ number: Int) -> String { folder.path("access.log.\(number)") }

        private func server(_ options: String..., workers: Int = 2, wrapper: [String] = []) throws -> TestedServer {
            let options = ["serve", "--port", "0", "--admin", "127.0.0.1:0", "--workers", "\(workers)", "--report-interval", "off"] + options
            return try TestedServer(Running("everycore", options, wrapper: wrapper))
        }

        /// Sends so many requests on some connections, many at once, and takes what is answered. A connection may be lost meanwhile.
        private func burst(_ server: TestedServer, _ count: Int, target: String = "/plaintext", _ meanwhile: () throws -> Void = {}) throws {
            let clients = try (0..<4).map { _ in try server.connect() }
            let request = "GET \(target) HTTP/1.1\r\nHost: test\r\n\r\n"
            let portion = min(50, count / 4)
            for _ in 0..<count / 4 / portion {
                for client in clients { client.send(String(repeating: request, count: portion)) }
                try meanwhile()
                for client in clients { for _ in 0..<portion where client.end == nil { _ = try? client.reply() } }
            }
        }

        private func lines(_ paths: String...) throws -> [String] {
            try paths.flatMap { path in
                let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
                #expect(text.isEmpty || text.hasSuffix("\n"), "the last line of \(path) is torn")
                return text.split(separator: "\n").map(String.init)
            }
        }

        /// How many lines there are by now.
        private func count(_ path: String) -> Int {
            ((try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data()).count { $0 == UInt8(ascii: "\n") }
        }

        private static var whole: Regex<(Substring, Substring?)> { #/\S+ - - \[[^\]]+\] "GET \S+ HTTP/1\.1" 200 \d+( "-" "-")?/# }

        private func expectWhole(_ lines: [String], _ count: Int) throws {
            let torn = try lines.filter { try Self.whole.wholeMatch(in: $0) == nil }
            #expect(torn.isEmpty && lines.count == count, "\(lines.count) lines of \(count), torn: \(torn.prefix(3))")
        }

        private func move(to other: String) { #expect(unsafe rename(path, other) == 0) }

        private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

        /// The process that writes.
        private func writer(_ server: TestedServer) -> pid_t? {
            ProcessTable.children(of: server.master).first { ProcessTable.name(of: $0) == "everycore-log" }
        }

        @Test func hasALineForEachRequestAlsoOfWorkersThatAreKilled() throws {
            let server = try server("--access-log", path)
            for _ in 0..<10 {
                try burst(server, 800) {
                    if Int.random(in: 0..<3) == 0, let worker = server.workers.randomElement() { kill(worker, SIGKILL) }
                }
            }
            try server.awaitReady(2)
            let total = try server.stats().total
            #expect(total.restarts > 0 && total.access_log.lost == 0 && total.access_log.lines == total.requests)
            #expect(server.stop() == 0)
            try expectWhole(try lines(path), total.requests)
        }

        @Test func losesNothingAndRepeatsNothingWhenItsWriterIsKilled() throws {
            let server = try server("--access-log", path)
            var killed = 0
            let end = ContinuousClock.now + .seconds(20)
            while killed < 6, ContinuousClock.now < end {
                try burst(server, 800) {
                    if let writer = writer(server) {
                        kill(writer, SIGKILL)
                        killed += 1
                    }
                }
            }
            let total = try server.stats().total
            #expect(server.program.becomesTrue(within: .seconds(8)) { writer(server) != nil })
            #expect(server.stop() == 0)
            #expect(killed >= 6)
            try expectWhole(try lines(path), total.requests)
        }

        @Test func isRotatedByRenamingAndBySignalWithoutALossOrATornLine() throws {
            let server = try server("--access-log", path, "--access-log-format", "common")
            for number in 0..<10 {
                try burst(server, 400)
                move(to: path(number))
                server.program.signal(SIGUSR1)
                try burst(server, 400)
                #expect(server.program.becomesTrue(within: .seconds(5)) { exists(path) })
            }
            let total = try server.stats().total
            #expect(server.stop() == 0)
            let all = try (0..<10).flatMap { try lines(path($0)) } + lines(path)
            try expectWhole(all, total.requests)
            #expect(server.program.error.contains("event=access_log_reopened"))
        }

        @Test func goesOnAtTheBeginningOfAFileThatIsTruncated() throws {
            let server = try server("--access-log", path)
            try burst(server, 200)
            #expect(server.program.becomesTrue(within: .seconds(5)) { count(path) == 201 })
            unsafe truncate(path, 0)
            try burst(server, 200)
            #expect(server.stop() == 0)
            try expectWhole(try lines(path), 200)
        }

        @Test func ofAFullDiskCostsLinesAndNoRequest() throws {
            let server = try server("--access-log", "/dev/full")
            let target = "/plaintext?" + String(repeating: "x", count: 1800)
            try burst(server, 4000, target: target)
            let total = try server.stats().total
            #expect(total.requests == 4001 && total.access_log.lost > 0)
            #expect(total.access_log.lines + total.access_log.lost == total.requests)
            #expect(server.program.logs("event=access_log_failed"))
            #expect(server.program.logs("event=access_log_lost"))
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop(within: .seconds(12)) == 0)
        }

        @Test func whoseFileMayNotGrowGoesOnInAnotherOne() throws {
            let server = try server("--access-log", path, wrapper: ["prlimit", "--fsize=8000"])
            try burst(server, 120)
            #expect(server.program.logs("event=access_log_failed"))
            move(to: path(1))
            server.program.signal(SIGUSR1)
            #expect(server.program.logs("event=access_log_reopened"))
            // One was begun, and could not be ended.
            #expect(server.program.becomesTrue(within: .seconds(5)) { count(path(1)) + count(path) >= 120 })
            #expect(count(path(1)) > 50 && count(path) > 20)
            #expect(server.stop() == 0)
            try expectWhole(try lines(path(1), path), 120)
        }

        @Test func toAPipeThatNothingReadsCostsLinesAndNoRequest() throws {
            #expect(unsafe mkfifo(path, 0o600) == 0)
            let server = try server("--access-log", path)
            let target = "/plaintext?" + String(repeating: "x", count: 1800)
            try burst(server, 4000, target: target)
            let total = try server.stats().total
            #expect(total.requests == 4001 && total.access_log.lost > 0)
            #expect(server.program.logs("event=access_log_lost"))
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            var text: [UInt8] = []
            var lineCount = 0
            var chunk = [UInt8](repeating: 0, count: 65536)
            let isThere = server.program.becomesTrue(within: .seconds(10)) {
                while true {
                    let count = unsafe read(reader, &chunk, chunk.count)
                    guard count > 0 else { return lineCount == total.access_log.lines }
                    text += chunk.prefix(count)
                    lineCount += chunk.prefix(count).count { $0 == 0x0A }
                    usleep(1000)
                }
            }
            #expect(isThere)
            try expectWhole(String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init), total.access_log.lines)
            #expect(server.stop() == 0)
        }

        @Test func goesToTheStandardOutput() throws {
            let server = try server("--access-log", "stdout", "--access-log-format", "json")
            try burst(server, 400)
            #expect(server.stop() == 0)
            let lines = server.program.output.split(separator: "\n").filter { $0.hasPrefix(#"{"time":""#) }
            #expect(lines.count == 401)
            for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }

        @Test func hasEachLineOnceAcrossReloadsAndUpgrades() throws {
            let server = try server("--access-log", path)
            for signal in [SIGHUP, SIGUSR2, SIGHUP] {
                let master = server.program.successors.last ?? server.program.pid
                let word = signal == SIGHUP ? "event=reload_finished" : "event=old_master_exited"
                let before = server.program.error.ranges(of: word).count
                kill(master, signal)
                for _ in 0..<200 where server.program.error.ranges(of: word).count == before { try burst(server, 200) }
                #expect(server.program.error.ranges(of: word).count > before, "\(server.program.error)")
                try burst(server, 200)
            }
            let total = try server.stats().total
            let master = try #require(server.program.successors.last)
            kill(master, SIGTERM)
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty })
            server.program.wait(within: .seconds(2))
            try expectWhole(try lines(path), total.requests)
        }

        @Test func isTurnedOnAndMovedAndTurnedOffByReloads() throws {
            let settings = folder.path("everycore.yaml")
            func write(_ log: String) throws { try "access_log: \(log)\n".write(toFile: settings, atomically: true, encoding: .utf8) }
            try write("off")
            let server = try server("--config", settings)
            #expect(writer(server) == nil)
            func reload(_ log: String) throws {
                try write(log)
                let before = server.program.error.ranges(of: "event=reload_finished").count
                server.program.signal(SIGHUP)
                #expect(server.program.becomesTrue(within: .seconds(10)) { server.program.error.ranges(of: "event=reload_finished").count > before })
                try burst(server, 200)
            }
            try reload(path)
            #expect(server.program.becomesTrue(within: .seconds(5)) { count(path) == 200 })
            try reload(path(2))
            #expect(server.program.becomesTrue(within: .seconds(5)) { count(path(2)) == 200 })
            try reload("off")
            #expect(server.program.becomesTrue(within: .seconds(5)) { writer(server) == nil })
            #expect(try lines(path).count == 200 && lines(path(2)).count == 200)
            try write("/nowhere/at/all.log")
            server.program.signal(SIGHUP)
            #expect(server.program.logs("event=reload_refused"))
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func thatCannotBeOpenedIsAnErrorThatNamesItsSetting() throws {
            let program = try Running("everycore", ["serve", "--port", "0", "--admin", "off", "--access-log", "/nowhere/at/all.log"])
            #expect(program.wait(within: .seconds(8)) == 78)
            #expect(program.error.contains("access_log") && program.error.contains("/nowhere/at/all.log: No such file or directory"), "\(program.error)")
        }

        @Test(.enabled(if: geteuid() == 0))
        func isNotWrittenThroughALinkThatAnotherUserMade() throws {
            let target = folder.path("target")
            #expect(unsafe symlink(target, path) == 0)
            #expect(unsafe lchown(path, 65534, 65534) == 0)
            let program = try Running("everycore", ["serve", "--port", "0", "--admin", "off", "--access-log", path])
            #expect(program.wait(within: .seconds(8)) == 78)
            #expect(!exists(target))
            #expect(unsafe lchown(path, 0, 0) == 0)
            let server = try server("--access-log", path)
            #expect(server.stop() == 0)
            try expectWhole(try lines(target), 1)
        }
    }
}
