// What frames are called and which of them are shown; and files that lie about their symbols.

import CEverycorePosix
import Cluster
import Glibc
import TestSupport
import Testing

@Suite struct StackNamesTests {
    @Test(arguments: [
        ("closure #1 @Sendable (Everycore.Request) throws -> Everycore.Response in shop.addRoutes(inout Everycore.Routes) -> ()", "closure #1 in addRoutes"),
        ("shop.burn(milliseconds: Swift.Int) -> ()", "burn"),
        ("shop.(rest in _0123456789ABCDEF)(milliseconds: Swift.UInt32) -> ()", "rest"),
        ("static shop.Cart.(total in _0123)(of: [(Swift.Int) -> Swift.Int]) async throws -> Swift.Int", "Cart.total"),
        ("(1) suspend resume partial function for closure #2 () async -> () in shop.Cart.run() async -> ()", "closure #2 in Cart.run"),
        ("generic specialization <Swift.Array<Swift.Int>, (Swift.Int) -> ()> of shop.Cart.add<A, B where A: Swift.Sequence>(A, B) -> ()", "Cart.add"),
        ("function signature specialization <Arg[0] = Dead> of generic specialization <Swift.Int> of shop.f<A>(A) -> ()", "f"),
        ("(extension in shop):Everycore.Request.cart.getter : shop.Cart", "Request.cart.getter"),
        ("shop.Cart.init(items: [Swift.Int]) -> shop.Cart", "Cart.init"),
        ("partial apply forwarder for closure #1 () -> () in shop.f() -> ()", "closure #1 in f"),
        ("protocol witness for shop.Pricing.price() -> Swift.Int in conformance shop.Cart : shop.Pricing in shop", "Pricing.price"),
        ("shop.f", "f"), ("f", "f"), ("", ""), ("((((", ""), ("<<<<>", ""), (">>>)", ">>>)"),
    ])
    func aNameIsShownWithoutTypes(_ demangled: String, _ short: String) { #expect(FrameName.short(demangled) == short) }

    @Test(arguments: ["reabstraction thunk helper from @escaping () -> () to () -> ()", "outlined destroy of shop.Cart", "dispatch thunk of shop.A.b() -> ()"])
    func whatTheCompilerPutsBetweenIsHidden(_ demangled: String) { #expect(FrameName.short(demangled) == nil) }

    @Test func theModuleIsTheFirstName() {
        #expect(FrameName.module(of: "$s9Everycore5RouteV") == "Everycore")
        #expect(FrameName.module(of: "$sSaMa") == "Swift")
        #expect(FrameName.module(of: "$s99999999999999999999a") == "Swift")
        #expect(FrameName.module(of: "nanosleep") == nil)
        #expect(FrameName(symbol: "$s4shop4burn12millisecondsySi_tF")?.text == "burn")
        #expect(FrameName(symbol: "$s\u{1B}]0;x")?.text.contains("\u{1B}") == false)
        #expect(FrameName(symbol: String(repeating: "a", count: 5000))?.text.utf8.count ?? 0 < 130)
    }

    // MARK: Which frames

    private func frame(_ text: String, _ module: String? = nil, isGuess: Bool = false) -> StackNames.Frame {
        .init(text: text, module: module, isGuess: isGuess)
    }

    @Test func theCallerOfAFunctionWithoutFramePointerIsAmongTheGuesses() {
        let kernel = frame("clock_nanosleep")
        let guesses = [frame("usleep", isGuess: true), frame("f", "shop", isGuess: true), frame("stale", "shop", isGuess: true)]
        #expect(StackNames.certain([kernel] + guesses + [frame("g", "shop")]).map(\.text) == ["clock_nanosleep", "usleep", "f", "g"])
        #expect(StackNames.certain([frame("f", "shop")] + guesses + [frame("g", "shop")]).map(\.text) == ["f", "g"])
        #expect(StackNames.certain([kernel, frame("usleep", isGuess: true), frame("g", "shop")]).map(\.text) == ["clock_nanosleep", "g"])
        #expect(StackNames.certain([kernel] + guesses).map(\.text) == ["clock_nanosleep", "usleep", "f"])
    }

    @Test func whatCallsTheProgramIsCutOff() {
        let names = StackNames(serviceModules: ["Everycore"])
        let frames = [
            frame("read"), frame("Request.body", "Everycore"), frame("f", "shop"), frame("map", "Swift"), frame("closure #1 in g", "shop"),
            frame("RoutedApplication.answer", "Everycore"), frame("event_base_loop"),
        ]
        #expect(names.trimmed(frames).map(\.text) == ["read", "Request.body", "f", "map", "closure #1 in g"])
        #expect(names.trimmed([frames[0], frames[1], frames[6]]).count == 3)
    }

    // MARK: Text from elsewhere

    @Test func stacksComeAsLinesAndTheLastOneMustBeWhole() {
        #expect(StackNames.stacks(in: StackNames.line(["a", "b c"]) + StackNames.line([]) + Array("half".utf8)) == [["a", "b c"], []])
        #expect(StackNames.stacks(in: []).isEmpty)
        let many = StackNames.stacks(in: [UInt8](repeating: UInt8(ascii: "\t"), count: 1000) + Array("x\u{1B}\n".utf8))
        #expect(many.count == 1 && many[0].count <= 64)
    }

    @Test func aMapTellsWhichFileAnAddressIsIn() {
        let map = MemoryMap(
            """
            55a0c0000000-55a0c0001000 r--p 00000000 fe:01 12                         /opt/shop
            55a0c0001000-55a0c0009000 r-xp 00001000 fe:01 12                         /opt/shop (deleted)
            7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]
            7f0000000000-7f0000001000 r-xp 0002a000 fe:01 99 /lib/with a space.so
            nonsense-line r-xp 1 2 3 /x
            2000-1000 r-xp 00000000 fe:01 1 /backwards
            """)
        #expect(map.mappings.count == 3 && map.mapping(of: 0x7ffd_0000_0010)?.name == "[vdso]")
        let mapping = map.mapping(of: 0x55a0_c000_1010)
        #expect(mapping?.path == "/opt/shop" && mapping?.isDeleted == true && mapping?.inode == 12 && mapping?.name == "shop")
        #expect(mapping?.fileOffset(of: 0x55a0_c000_1010) == 0x1010)
        #expect(map.mapping(of: 0x7f00_0000_0000)?.path == "/lib/with a space.so")
        #expect(map.mapping(of: 0) == nil && map.mapping(of: .max) == nil)
    }

    @Test func aSignalIsSentOnlyToWhatCatchesIt() {
        let status = "Name:\tx\nSigBlk:\t0000000000000000\nSigCgt:\t2000000000000001\n"
        #expect(CaughtSignals.hold(62, inStatus: status) && CaughtSignals.hold(1, inStatus: status))
        #expect(!CaughtSignals.hold(61, inStatus: status) && !CaughtSignals.hold(0, inStatus: status) && !CaughtSignals.hold(65, inStatus: status))
        #expect(!CaughtSignals.hold(62, inStatus: "SigCgt:\tzz\n") && !CaughtSignals.hold(62, inStatus: ""))
    }

    // MARK: Files that lie

    private func symbols(_ bytes: [UInt8]) -> [UInt64: String]? {
        let file = unsafe bytes.withUnsafeBytes { unsafe cposix_sealed_file($0.baseAddress, $0.count) }
        guard let symbols = SymbolFile(taking: file) else { return nil }
        return symbols.functions(at: [0, 0x1000, 0x1001, 5000, .max])
    }

    @Test func aFileThatIsNoProgramHasNoSymbols() {
        #expect(symbols([]) == nil)
        #expect(symbols(Array("#!/bin/sh\n".utf8)) == nil)
        #expect(symbols([0x7F, 0x45, 0x4C, 0x46, 1, 1] + [UInt8](repeating: 0, count: 100)) == nil)
        #expect(symbols([0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0, count: 58)) == [:])
        #expect(symbols([0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0xFF, count: 4096)) == [:])
    }

    @Test func aDamagedProgramEndsNothing() throws {
        let file = unsafe open("/proc/self/exe", O_RDONLY)
        defer { close(file) }
        // The headers of the program, and nothing of what they lead to.
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        try #require(count == 4096)
        _ = symbols(bytes)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            var damaged = bytes
            for _ in 0..<8 { damaged[Int(generator.next() % 256)] = UInt8(truncatingIfNeeded: generator.next()) }
            _ = symbols(damaged)
        }
    }
}
