// What `everycore top` makes of frames and keys, without a service and without a terminal.

import EverycoreCommandLine
import EverycoreStatistics
import Testing

@Suite struct TopTests {
    /// A frame as a service sends it: `fast` requests of 20 µs and `slow` ones of 80 ms in a second.
    private func frame(fast: UInt64, slow: UInt64 = 0, workers: String = "") throws -> TopFigures {
        let (low, high) = (HistogramScale.bucket(of: 20_000), HistogramScale.bucket(of: 80_000_000))
        let text = """
            {"v":1,"time":1,"server":{"name":"everycore","version":"9","uptime_seconds":61.5,"workers_ready":2,"workers_wanted":2,"restarts":1},
            "interval":{"seconds":1,"requests":\(fast + slow),"responses":[0,\(fast),0,3,\(slow)],"bytes_in":1000,"bytes_out":2000,
            "histogram":[\(low),\(fast),\(high),\(slow)]},"total":{"connections":{"open":5}},"workers":[\(workers)],
            "exits":[{"slot":1,"kind":"crash","reason":"SIGILL","request":"GET /tr\\u001b[2Jap"}],
            "quarantine":{"active":[{"route":"GET /trap"}]},
            "requests":[{"worker":1,"pid":11,"state":"running","method":"GET","target":"/slow","age_seconds":1.5},
            {"worker":-1,"pid":99,"state":"waiting","method":"GET","target":"/odd\\u001b[2J","age_seconds":3}],"unknown":[{}]}
            """
        return try #require(TopFigures(frame: text.replacing("\n", with: "")))
    }

    private func worker(_ slot: Int, pid: Int, rate: Double, cpu: Double = 0, state: String = "ready") -> String {
        """
        {"slot":\(slot),"generation":1,"pid":\(pid),"state":"\(state)","uptime_seconds":5,"rate":\(rate),"p99":0.001,"open":2,"restarts":0,\
        "resident_bytes":1000,"cpu":\(cpu),"accept_queue":{"length":3,"limit":128}}
        """
    }

    private func text(_ model: TopModel, columns: Int = 100, rows: Int = 24) -> [String] {
        TopTable(columns: columns, rows: rows).lines(model).map(\.text)
    }

    @Test func `several services' rates add up, and percentiles are those of all requests`() throws {
        var model = TopModel(sources: ["a.sock", "b.sock"])
        model.take(try frame(fast: 980), from: 0)
        model.take(try frame(fast: 0, slow: 20), from: 1)
        let total = model.total
        #expect(total.requestRate == 1000 && total.errors == 20 && total.clientErrors == 6 && total.open == 10 && total.ready == 4)
        #expect((19_000...21_000).contains(total.histogram.percentile(50)))
        #expect((78_000_000...82_000_000).contains(total.histogram.percentile(99)))
        let lines = text(model, columns: 200)
        #expect(lines[0] == "2 of 2 services · 4/4 ready · 2 restarts")
        #expect(lines[1].contains("1000 req/s") && lines[1].contains("p99.9"))
    }

    @Test func `workers are sorted by any column, reversed, and selected`() throws {
        var model = TopModel(sources: ["a"], sort: .rate)
        let workers = [worker(0, pid: 10, rate: 5), worker(1, pid: 11, rate: 50), worker(2, pid: 12, rate: 1, state: "unresponsive")]
        model.take(try frame(fast: 56, workers: workers.joined(separator: ",")), from: 0)
        #expect(model.rows.map(\.worker.slot) == [1, 0, 2])
        _ = model.press(.character("r"))
        #expect(model.rows.map(\.worker.slot) == [2, 0, 1])
        _ = model.press(.character("w"))
        #expect(model.rows.map(\.worker.slot) == [0, 1, 2])
        for _ in 0..<2 { _ = model.press(.down) }
        #expect(model.rows.filter(model.isSelected).map(\.worker.slot) == [1])
        let lines = TopTable(columns: 100, rows: 24).lines(model)
        #expect(lines.first { $0.text.contains("unresponsive") }?.style == .bad)
        #expect(lines.filter { $0.style == .selected }.count == 1)
        _ = model.press(.enter)
        #expect(model.view == .requests(pid: 11))
        #expect(text(model).contains { $0.contains("GET /slow") && $0.contains("1.5s") } && !text(model).contains { $0.contains("/odd") })
        _ = model.press(.enter)
        #expect(model.view == .workers)
        _ = model.press(.character("a"))
        let all = text(model)
        let (odd, slow) = (try #require(all.firstIndex { $0.contains("/odd") }), try #require(all.firstIndex { $0.contains("/slow") }))
        #expect(odd < slow && all[odd].contains("quarantine") && !all[odd].contains("\u{1B}"))
        let goesOn = model.press(.character("q"))
        #expect(!goesOn)
    }

    @Test func `the CPU's shares add up`() throws {
        var model = TopModel(sources: ["a"])
        model.take(try frame(fast: 1, workers: worker(0, pid: 10, rate: 1, cpu: 0.5) + "," + worker(1, pid: 11, rate: 1, cpu: 0.25)), from: 0)
        #expect(model.rows.map(\.worker.cpu) == [0.5, 0.25] && model.total.cpu == 0.75)
    }

    @Test func `while it is paused nothing changes, and then all of it is there`() throws {
        var model = TopModel(sources: ["a"])
        model.take(try frame(fast: 1), from: 0)
        _ = model.press(.character(" "))
        model.take(try frame(fast: 2), from: 0)
        model.lost(0, because: "gone")
        #expect(model.total.requestRate == 1 && text(model)[0].hasSuffix("PAUSED"))
        _ = model.press(.character(" "))
        #expect(model.total.requestRate == 2 && text(model).contains("a: gone"))
    }

    @Test(arguments: [(80, 24), (20, 6), (300, 100), (0, 0)]) func `every screen is filled and nothing is wider`(_ columns: Int, _ rows: Int) throws {
        var model = TopModel(sources: ["/run/everycore/one.sock", "http://[::1]:8081"])
        let workers = (0..<64).map { worker($0, pid: 100 + $0, rate: Double($0)) }.joined(separator: ",")
        for source in 0..<2 { model.take(try frame(fast: 9, workers: workers), from: source) }
        for key in [.escape, .character("h"), .escape, .character("a")] as [TopModel.Key] {
            _ = model.press(key)
            let lines = text(model, columns: columns, rows: rows)
            #expect(lines.count == max(rows, 6))
            #expect(lines.allSatisfy { $0.count <= max(columns, 20) })
        }
    }

    @Test func `the selected row stays in sight`() throws {
        var model = TopModel(sources: ["a"])
        model.take(try frame(fast: 9, workers: (0..<64).map { worker($0, pid: 100 + $0, rate: 0) }.joined(separator: ",")), from: 0)
        for _ in 0..<60 { _ = model.press(.down) }
        let lines = TopTable(columns: 80, rows: 24).lines(model)
        #expect(lines.contains { $0.style == .selected && $0.text.hasPrefix("59 ") })
        #expect(lines.contains { $0.text == "… \(64 - lines.count { $0.text.contains(" ready ") && !$0.text.contains("·") }) more" })
    }

    @Test func `what a service says controls no terminal`() throws {
        var model = TopModel(sources: ["a"])
        model.take(try frame(fast: 1), from: 0)
        #expect(text(model).contains("last exit: worker 1 crash, SIGILL in GET /tr?[2Jap"))
        #expect(text(model).allSatisfy { line in line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } })
    }

    @Test(arguments: ["", "{}", "[]", "{\"v\":1}", "null", "{\"v\":1,\"server\":7}", "{\"v\":"]) func `what is no frame is none`(_ text: String) {
        let figures = TopFigures(frame: text)
        #expect(figures == nil || figures?.workers.isEmpty == true)
    }

    @Test func `a frame of odd numbers traps nothing`() throws {
        let text = """
            {"v":1,"server":{"uptime_seconds":1e300,"workers_ready":-1},"interval":{"seconds":-1,"requests":1e300,"responses":[1],"histogram":[1e300,5,-1,2,864,1e19,3]},\
            "workers":[{"slot":1e300,"pid":-4,"uptime_seconds":-1,"rate":1e300,"p99":1e300,"loop":{"busy":1e300},"cpu":1e300}],"exits":[3],"requests":[3,{"worker":1e300,"age_seconds":1e300}]}
            """
        var model = TopModel(sources: ["a"], sort: .p99)
        for _ in 0..<2 { model.take(try #require(TopFigures(frame: text)), from: 0) }
        for view in [.escape, .character("a")] as [TopModel.Key] {
            _ = model.press(view)
            #expect(self.text(model).count == 24)
        }
        #expect(!TopTable.text(model).isEmpty)
    }
}

@Suite struct PainterTests {
    @Test func `only lines that have changed are painted, in one piece`() {
        var painter = Painter(hasColours: true)
        var lines = ["one", "two", "three"].map { ScreenLine($0) }
        let first = painter.paint(lines, columns: 80)
        #expect(first.contains("\u{1B}[2J") && first.contains("one") && first.contains("three"))
        #expect(painter.paint(lines, columns: 80).isEmpty)
        lines[1] = ScreenLine("TWO", .bad)
        #expect(painter.paint(lines, columns: 80) == "\u{1B}[?2026h\u{1B}[2;1H\u{1B}[0m\u{1B}[31mTWO\u{1B}[0m\u{1B}[K\u{1B}[?2026l")
        #expect(painter.paint(lines, columns: 81).contains("one"))
        painter.forget()
        #expect(painter.paint(lines, columns: 81).contains("one"))
    }

    @Test func `without colours nothing but bold and inverse is left`() {
        var painter = Painter(hasColours: false)
        let lines = [ScreenLine("a", .title), ScreenLine("b", .warning), ScreenLine("c", .bad), ScreenLine("d", .dim), ScreenLine("e", .selected)]
        let codes = painter.paint(lines, columns: 10).matches(of: /\x1B\[(\d*)m/).map { String($0.1) }
        #expect(Set(codes) == ["0", "1", "7"])
    }

    @Test func `keys come out of what terminals send`() {
        let bytes = Array("q\u{1B}[A\u{1B}OB\u{1B}[1;5A\r\u{1B}[3~ \u{7F}".utf8) + [0x1B]
        #expect(TerminalKeys.keys(bytes) == [.character("q"), .up, .down, .up, .enter, .character(" "), .escape, .escape])
        #expect(TerminalKeys.keys(Array("\u{1B}[".utf8)).isEmpty)
    }
}

@Suite struct JSONValueTests {
    @Test func `values are read as RFC 8259 has them`() {
        let value = JSONValue(" {\"a\":[1,-2.5e3,true,null],\"b\":\"x\\n\\u00e9\\ud83d\\ude00\\/\",\"c\":{}} ")
        #expect(value?["a"]?.elements == [.number(1), .number(-2500), .bool(true), .null])
        #expect(value?["b"] == .string("x\né😀/"))
        #expect(value?["b"]?.plainText == "x?é😀/")
        #expect(value?["c"] == .object([:]) && value?["d"] == nil)
        #expect(JSONValue("1e30")?.count == .max && JSONValue("-1")?.count == nil)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "\"\\u12\"", "\"\\ud800\"", "\"a", "tru", "1 2", "nan", "1e999", "\"\u{1}\"",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ])
    func `what is no JSON is nil`(_ text: String) { #expect(JSONValue(text) == nil) }
}
