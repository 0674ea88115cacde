// What may be written for the settings of compression.

#if Command
import Everycore
import Testing

@Suite struct CompressionSettings {
    @Test func codings() throws {
        let setting = try #require(Setting.all.first { $0.key == "compression.codings" })
        var configuration = ServerConfiguration()
        #expect(setting.text(in: configuration) == "off")
        #expect(setting.apply("gzip", to: &configuration) == nil)
        #expect(configuration.compression.codings == [.gzip])
        #expect(setting.text(in: configuration) == "gzip")
        #expect(configuration.problems().isEmpty)
        #expect(setting.apply("off", to: &configuration) == nil)
        #expect(configuration.compression.codings == [])
        for wrong in ["", "deflate", "gzip gzip", "gzip  br", "gzip,br", "on"] {
            #expect(setting.apply(wrong, to: &configuration)?.contains("gzip") == true, "\(wrong)")
        }
    }

    @Test func levels() throws {
        var configuration = ServerConfiguration()
        configuration.compression.level = 10
        #expect(configuration.problems().map(\.key) == ["compression.level"])
    }
}
#endif
