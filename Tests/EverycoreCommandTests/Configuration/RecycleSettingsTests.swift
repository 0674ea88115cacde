// What may be written for the memory at which workers are recycled, and that it is written back as it was.

#if Command
import Everycore
import Testing

@Suite struct RecycleSettings {
    private func setting(_ key: String) throws -> Setting { try #require(Setting.all.first { $0.key == key }) }

    @Test func memoryIsASizeOrAShareOrBoth() throws {
        let setting = try setting("recycle.memory")
        var configuration = ServerConfiguration()
        for (text, bytes, percent) in [("512m", 512 << 20, nil), ("300%", nil, 300), ("1g 150%", 1 << 30, 150)] as [(String, Int?, Int?)] {
            #expect(setting.apply(text, to: &configuration) == nil)
            #expect(configuration.recycle.memory == .init(bytes: bytes, percentOfMedian: percent))
            #expect(setting.text(in: configuration) == text)
        }
        #expect(setting.apply("off", to: &configuration) == nil)
        #expect(configuration == ServerConfiguration())
        for wrong in ["", "0", "1k", "100%", "20000%", "300% 300%", "1g 2g", "1g  300%", " 1g", "%", "x%", "-5%"] {
            #expect(setting.apply(wrong, to: &configuration) != nil, "\(wrong)")
        }
    }
}
#endif
