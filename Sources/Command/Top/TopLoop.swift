// Runs `everycore top`: the event streams of all services, the keys, the terminal's size, and one frame at a time. One thread.
// Process: any other than a service's · Thread: main

#if Command
import EverycoreLoop
import Glibc

final class TopLoop {
    /// One service, and the way to it.
    private final class Link {
        let address: AdminAddress
        var stream: AdminStream?
        var watch: DescriptorWatch?
        var retry: LoopTimer?
        var failures = 0
        /// When the last frame came.
        var heardAt: UInt64 = 0

        init(_ address: AdminAddress) { self.address = address }
    }

    private let loop: EventLoop
    private let links: [Link]
    private var model: TopModel
    private let terminal: TopTerminal?
    private var painter: Painter
    private var signals: [SignalWatch] = []
    private var input: DescriptorWatch?
    private var drawing: LoopTimer?
    private var looking: LoopTimer?
    /// The signal that ended it.
    private var ending: Int32?

    /// A service sends a frame a second.
    private static let silence: UInt64 = 4_000_000_000
    /// For a first interval, where there is no terminal.
    private static let patience: UInt64 = 5_000_000_000

    /// - Parameter onTerminal: false prints one frame and ends.
    init(_ addresses: [AdminAddress], sort: TopModel.Sort, onTerminal: Bool) throws {
        loop = try EventLoop()
        links = addresses.map(Link.init)
        model = TopModel(sources: addresses.map(\.description), sort: sort)
        terminal = onTerminal ? TopTerminal() : nil
        painter = Painter(hasColours: unsafe getenv("NO_COLOR").map { unsafe $0[0] == 0 } ?? true)
    }

    /// - Returns: the signal that ended it, if one did.
    func run() throws -> Int32? {
        try handleSignals()
        for index in links.indices { connect(index) }
        let startedAt = EventLoop.monotonicNanoseconds()
        looking = loop.every(.seconds(1)) { [unowned self] in
            lookForSilence()
            if terminal == nil, EventLoop.monotonicNanoseconds() > startedAt &+ Self.patience { loop.stop() }
        }
        if let terminal {
            defer { terminal.leave() }
            terminal.enter()
            if terminal.hasKeys { input = try loop.watch(STDIN_FILENO, for: .read) { [unowned self] _ in takeKeys() } }
            draw()
            loop.run()
        } else {
            loop.run()
            if ending == nil { try printOnce() }
        }
        return ending
    }

    private func printOnce() throws {
        guard model.hasFigures else { throw TopFailure(problems: model.sources.map { "\($0.name): \($0.problem ?? "")" }) }
        try StandardStream.output.write(TopTable.text(model))
    }

    // MARK: Signals and keys

    private func handleSignals() throws {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signals.append(
                try loop.onSignal(number) { [unowned self] in
                    ending = number
                    loop.stop()
                })
        }
        guard let terminal else { return }
        signals.append(try loop.onSignal(SIGWINCH) { [unowned self] in drawSoon() })
        signals.append(
            try loop.onSignal(SIGTSTP) { [unowned self] in
                terminal.leave()
                kill(getpid(), SIGSTOP)
                // From here on it goes on again.
                terminal.enter()
                painter.forget()
                draw()
            })
    }

    private func takeKeys() {
        guard let keys = terminal?.keys() else { return input = nil }
        for key in keys {
            guard model.press(key) else { return loop.stop() }
        }
        if !keys.isEmpty { draw() }
    }

    // MARK: Services

    private func connect(_ index: Int) {
        let link = links[index]
        link.retry = nil
        do {
            let stream = try AdminStream(to: link.address, "/events", within: .seconds(1))
            link.watch = try loop.watch(stream.descriptor, for: .read) { [unowned self] _ in receive(index) }
            link.stream = stream
            link.heardAt = EventLoop.monotonicNanoseconds()
        } catch {
            lost(index, because: "\(error)")
        }
    }

    private func receive(_ index: Int) {
        let link = links[index]
        guard let stream = link.stream else { return }
        do {
            let lines = try stream.receiveLines()
            if let status = stream.status, status != 200 { return lost(index, because: Self.words(forStatus: status)) }
            guard let lines else { return lost(index, because: "the service has ended the stream") }
            for line in lines where line.hasPrefix("data:") {
                guard let figures = TopFigures(frame: String(line.dropFirst(5))) else { return lost(index, because: "sends what this version can't read") }
                link.failures = 0
                link.heardAt = EventLoop.monotonicNanoseconds()
                model.take(figures, from: index)
                drawSoon()
            }
        } catch {
            lost(index, because: "\(error)")
        }
    }

    private static func words(forStatus status: Int) -> String {
        status == 404 ? "no admin address of this version: a service names its own when it starts (admin …)" : "the service answers with status \(status)"
    }

    /// Tries again, later each time.
    private func lost(_ index: Int, because reason: String) {
        let link = links[index]
        // The watch goes before its descriptor.
        link.watch = nil
        link.stream = nil
        model.lost(index, because: reason)
        link.failures = min(link.failures + 1, 5)
        link.retry = loop.after(.milliseconds(Int64(200 << link.failures))) { [unowned self] in connect(index) }
        drawSoon()
    }

    private func lookForSilence() {
        let now = EventLoop.monotonicNanoseconds()
        for (index, link) in links.enumerated() where link.stream != nil && now > link.heardAt &+ Self.silence {
            lost(index, because: "no figures for \((now - link.heardAt) / 1_000_000_000) s")
        }
    }

    // MARK: Frames

    /// Several services' figures come together.
    private func drawSoon() {
        guard terminal != nil else {
            if model.isComplete { loop.stop() }
            return
        }
        guard drawing == nil else { return }
        drawing = loop.after(.milliseconds(20)) { [unowned self] in draw() }
    }

    private func draw() {
        drawing = nil
        guard let terminal else { return }
        let size = terminal.size
        let text = painter.paint(TopTable(columns: size.columns, rows: size.rows).lines(model), columns: size.columns)
        if !text.isEmpty { terminal.write(text) }
    }
}

/// No service could be asked.
struct TopFailure: Error, CustomStringConvertible {
    let problems: [String]
    var description: String { problems.joined(separator: "\n") }
}
#endif
