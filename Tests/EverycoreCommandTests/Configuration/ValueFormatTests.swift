// The written forms of durations, sizes, numbers and addresses.

#if Command
import Everycore
import Testing

@Suite struct DurationTexts {
    let format = ValueFormat.duration(.milliseconds(10) ... .seconds(86400))

    @Test(arguments: [("250ms", Duration.milliseconds(250)), ("1s", .seconds(1)), ("2m", .seconds(120)), ("24h", .seconds(86400))])
    func aWholeNumberAndAUnitIsADuration(_ text: String, _ duration: Duration) {
        #expect(format.parse(text) == duration)
        #expect(format.render(duration) == text)
    }

    @Test(arguments: [
        "", "1", "s", "1 s", " 1s", "1s ", "1.5s", "-1s", "+1s", "01s", "1S", "1d", "1us", "1ms1s", "9ms", "25h", "9223372036854775807h",
        "99999999999999999999s", "１s", "1s\0",
    ])
    func anythingElseIsRefused(_ text: String) {
        #expect(format.parse(text) == nil)
    }

    @Test func offAndZeroSwitchOffOnlyWhatMayBeOff() {
        let optional = ValueFormat.durationOrOff(.milliseconds(10) ... .seconds(60))
        #expect(optional.parse("off") == .some(nil))
        #expect(optional.parse("0") == .some(nil))
        #expect(optional.parse("1s") == .some(.seconds(1)))
        #expect(optional.parse("2m") == nil)
        #expect(optional.render(nil) == "off")
        #expect(format.parse("off") == nil)
        #expect(format.parse("0") == nil)
    }

    @Test(arguments: [Duration.nanoseconds(1), .seconds(Int64.max), .seconds(Int64.min), .milliseconds(-5)])
    func aDurationThatAProgramSetsOutOfRangeIsNamedWithoutATrap(_ duration: Duration) {
        var configuration = ServerConfiguration()
        configuration.timeouts.idle = duration
        #expect(configuration.problems().map(\.key) == ["timeouts.idle"])
    }
}

@Suite struct SizeTexts {
    let format = ValueFormat.size(0...1 << 40)

    @Test(arguments: [("0", 0), ("1048576", 1 << 20), ("64k", 65536), ("64K", 65536), ("1m", 1 << 20), ("2g", 2 << 30), ("8000", 8000)])
    func bytesMayHaveABinaryUnit(_ text: String, _ bytes: Int) {
        #expect(format.parse(text) == bytes)
        #expect(format.parse(format.render(bytes)) == bytes)
    }

    @Test(arguments: ["", "k", "-1", "+1", "1kb", "1KiB", "1.5m", "1 k", "0x10", "1_000", "010", "1025g", "9223372036854775807k", "99999999999999999999"])
    func anythingElseIsRefused(_ text: String) {
        #expect(format.parse(text) == nil)
    }

    @Test func theLargestUnitThatDividesIsPrinted() {
        #expect(format.render(1 << 20) == "1m")
        #expect(format.render(3 << 9) == "1536")
        #expect(format.render(0) == "0")
    }
}

@Suite struct AddressTexts {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("localhost", "127.0.0.1"), ("::", "::"), ("[::1]", "::1"), ("fe80::1", "fe80::1"),
    ])
    func aHostIsANumericAddressOrLocalhost(_ text: String, _ host: String) {
        #expect(ValueFormat.host.parse(text) == host)
    }

    @Test(arguments: ["", "example.com", "1.2.3", "1.2.3.256", "[127.0.0.1]", "[::1", "[]", "127.0.0.1:80", "::1%lo", "*", "127.0.0.1\0"])
    func anyOtherHostIsRefused(_ text: String) {
        #expect(ValueFormat.host.parse(text) == nil)
    }

    @Test(arguments: [("auto", ServerConfiguration.Control.automatic), ("off", .off), ("/run/c.sock", .path("/run/c.sock")), ("./c", .path("./c"))])
    func aControlSocketIsAPath(_ text: String, _ control: ServerConfiguration.Control) {
        #expect(ValueFormat.control.parse(text) == control)
        #expect(ValueFormat.control.render(control) == text)
    }

    @Test(arguments: ["", "c.sock", "127.0.0.1:8082", "@name", "/" + String(repeating: "a", count: 107)])
    func anyOtherControlSocketIsRefused(_ text: String) {
        #expect(ValueFormat.control.parse(text) == nil)
    }

    @Test func namesOfHostsStandWithSpacesBetweenThem() {
        let format = ValueFormat<[String]>.hostNames
        #expect(format.parse("off") == [])
        #expect(format.parse("Metrics.example.org everycore_1") == ["Metrics.example.org", "everycore_1"])
        #expect(format.render(["a", "b"]) == "a b" && format.render([]) == "off")
        for text in ["", " ", "a  b", "a:80", "http://a", "a/b", "*"] { #expect(format.parse(text) == nil, "\(text)") }
    }

    @Test(arguments: [
        ("127.0.0.1:8081", ServerConfiguration.Admin.address(host: "127.0.0.1", port: 8081)), ("[::1]:8081", .address(host: "::1", port: 8081)),
        ("localhost:0", .address(host: "127.0.0.1", port: 0)), ("/run/everycore.sock", .path("/run/everycore.sock")),
        ("./admin.sock", .path("./admin.sock")), ("off", .off), ("auto", .automatic),
    ])
    func adminIsAnEndpointASocketPathOrOff(_ text: String, _ admin: ServerConfiguration.Admin) {
        #expect(ValueFormat.admin.parse(text) == admin)
        #expect(ValueFormat.admin.parse(ValueFormat.admin.render(admin)) == admin)
    }

    @Test(arguments: [
        "", ":8081", "8081", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:080", "127.0.0.1:-1", "::1:8081", "[::1]", "[::1]:", "a:1", "admin.sock",
    ])
    func anyOtherAdminAddressIsRefused(_ text: String) {
        #expect(ValueFormat.admin.parse(text) == nil)
    }

    @Test func aSocketPathFitsItsAddressStructure() {
        #expect(ValueFormat.admin.parse("/" + String(repeating: "a", count: 106)) != nil)
        #expect(ValueFormat.admin.parse("/" + String(repeating: "a", count: 107)) == nil)
    }
}

@Suite struct NumberTexts {
    @Test(arguments: [("0", 0), ("8080", 8080), ("65535", 65535)])
    func aNumberIsDecimalDigits(_ text: String, _ number: Int) {
        #expect(ValueFormat.number(0...65535).parse(text) == number)
    }

    @Test(arguments: ["", "65536", "-1", "+1", "0x50", "080", "8_080", "8080.0", "1e3", " 1", "٣", "99999999999999999999"])
    func anythingElseIsRefused(_ text: String) {
        #expect(ValueFormat.number(0...65535).parse(text) == nil)
    }

    @Test func workersAreANumberOrAuto() {
        let format = ValueFormat.workers(1...1024)
        #expect(format.parse("auto") == .auto)
        #expect(format.parse("1024") == .count(1024))
        for text in ["0", "1025", "Auto", "", "-1"] { #expect(format.parse(text) == nil) }
    }

    @Test func workersAreTwoBounds() {
        let format = ValueFormat.workers(1...1024)
        #expect(format.parse("2..16") == .range(2...16))
        #expect(format.parse("3..3") == .range(3...3))
        #expect(format.render(.range(2...16)) == "2..16")
        for text in ["0..4", "4..2", "1..1025", "..4", "4..", "1...4", "1..2..3", "1.5", "1,4", " 1..4", "01..4"] {
            #expect(format.parse(text) == nil, "\(text)")
        }
    }

    @Test func figuresArePrintedByThemselvesAtAnIntervalOrNever() {
        let format = ValueFormat<ServerConfiguration.ReportInterval>.reportInterval
        #expect(format.parse("auto") == .automatic)
        #expect(format.parse("off") == .off)
        #expect(format.parse("250ms") == .every(.milliseconds(250)))
        for text in ["", "10ms", "2h", "1", "Auto"] { #expect(format.parse(text) == nil) }
    }

    @Test func aFlagIsTrueOrFalse() {
        #expect(ValueFormat.flag.parse("true") == true)
        #expect(ValueFormat.flag.parse("false") == false)
        for text in ["", "yes", "on", "1", "True"] { #expect(ValueFormat.flag.parse(text) == nil) }
    }
}
#endif
