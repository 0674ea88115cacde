// Streams through real workers: handlers that read and write at their own pace, clients that break off.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Streams {
        @Test func takeAnUploadPieceByPiece() throws {
            let server = try TestedServer.harmful()
            let connection = try server.connect()
            connection.request("PUT", "/count", body: String(repeating: "x", count: 3_000_000))
            #expect(try connection.reply(within: .seconds(30)).body == "3000000\n")
            connection.send("PUT /count HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
            // Many small chunks while the handler is slow: each must not cost much more than its bytes.
            connection.send(String(repeating: "1\r\nx\r\n", count: 200_000) + "0\r\n\r\n")
            #expect(try connection.reply(within: .seconds(30)).body == "200000\n")
            connection.request("PUT", "/count", headers: "Content-Length: 5000001\r\n")
            #expect(try connection.reply().status == 413)
            #expect(server.stop() == 0)
        }

        @Test func areAnsweredEarlyWithoutAskingForTheContent() throws {
            let server = try TestedServer.harmful()
            let connection = try server.connect()
            connection.request("PUT", "/refuse", headers: "Content-Length: 100\r\nExpect: 100-continue\r\n")
            #expect(try connection.reply().status == 403)
            #expect(connection.awaitEnd() == "closed")
            #expect(server.stop() == 0)
        }

        @Test func tellTheirHandlersThatTheClientIsGone() throws {
            let server = try TestedServer.harmful(workers: 1)
            let upload = try server.connect()
            upload.request("PUT", "/count", headers: "Content-Length: 1000\r\n")
            upload.send("abc")
            let download = try server.connect()
            download.request("GET", "/endless")
            _ = Connection.wait(for: [download], upTo: .seconds(5))
            upload.leave()
            download.leave()
            let hears = server.program.becomesTrue(within: .seconds(5)) {
                (try? server.get("/ends").body) == "incomplete 1, gone 1\n"
            }
            #expect(hears)
            #expect(server.stop() == 0)
        }

        @Test func toHeadProduceNothing() throws {
            let server = try TestedServer.harmful(workers: 1)
            let connection = try server.connect()
            connection.request("HEAD", "/endless")
            #expect(try connection.reply(toHead: true).status == 200)
            connection.request("GET", "/ends")
            #expect(try connection.reply().body == "incomplete 0, gone 0\n")
            #expect(server.stop() == 0)
        }

        @Test func thatFailMidwayBreakOffWithALogLine() throws {
            let server = try TestedServer.harmful()
            let connection = try server.connect()
            connection.request("GET", "/breaks")
            #expect(connection.awaitEnd() != nil)
            #expect(server.program.logs("content failed: GET /breaks"))
            #expect(try server.stats().total.restarts == 0)
            #expect(server.stop() == 0)
        }

        @Test func leaveNoDescriptorsBehind() throws {
            let server = try TestedServer.harmful(workers: 1)
            let worker = try #require(server.workers.first)
            let start = descriptors(of: worker)
            for round in 0..<60 {
                let connection = try server.connect()
                switch round % 3 {
                case 0: connection.request("PUT", "/count", headers: "Content-Length: 9000\r\n")
                case 1: connection.request("GET", "/endless")
                default: connection.request("GET", "/breaks")
                }
                if round % 2 == 0 { _ = Connection.wait(for: [connection], upTo: .milliseconds(5)) }
                connection.leave()
            }
            #expect(server.program.becomesTrue(within: .seconds(5)) { descriptors(of: worker) <= start })
            #expect(try server.stats().total.restarts == 0)
            #expect(server.stop() == 0)
        }

        private func descriptors(of pid: pid_t) -> Int {
            guard let directory = unsafe opendir("/proc/\(pid)/fd") else { return -1 }
            defer { unsafe closedir(directory) }
            var count = 0
            while unsafe readdir(directory) != nil { count += 1 }
            return count
        }
    }
}
