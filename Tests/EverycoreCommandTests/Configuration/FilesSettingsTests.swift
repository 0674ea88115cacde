// What may be written for the settings of static files, and that it is written back as it was.

#if Command
import Everycore
import Testing

@Suite struct FilesSettings {
    private func setting(_ key: String) throws -> Setting { try #require(Setting.all.first { $0.key == key }) }

    @Test func namesOfIndexPages() throws {
        let setting = try setting("files.index")
        var configuration = ServerConfiguration()
        #expect(setting.apply("home.html index.htm", to: &configuration) == nil)
        #expect(configuration.files.index == ["home.html", "index.htm"])
        #expect(setting.text(in: configuration) == "home.html index.htm")
        #expect(setting.apply("off", to: &configuration) == nil)
        #expect(configuration.files.index == [])
        for wrong in ["a/b", "..", "a  b", " a", "a\u{7}"] { #expect(setting.apply(wrong, to: &configuration) != nil, "\(wrong)") }
    }

    @Test func typesByEnding() throws {
        let setting = try setting("files.types")
        var configuration = ServerConfiguration()
        #expect(setting.text(in: configuration) == "off")
        let text = "html=text/html;charset=shift_jis apple-app-site-association=application/json"
        #expect(setting.apply(text, to: &configuration) == nil)
        #expect(configuration.files.types.map(\.name) == ["html", "apple-app-site-association"])
        #expect(configuration.files.types.map(\.type) == ["text/html;charset=shift_jis", "application/json"])
        #expect(setting.text(in: configuration) == text)
        for wrong in ["html", "html=", "=text/html", "html=text", "a=b/c  d=e/f", "html=text/html; charset=a"] {
            #expect(setting.apply(wrong, to: &configuration) != nil, "\(wrong)")
        }
    }

    @Test func charsetOfText() throws {
        let setting = try setting("files.charset")
        var configuration = ServerConfiguration()
        #expect(setting.text(in: configuration) == "utf-8")
        #expect(setting.apply("ISO-8859-1", to: &configuration) == nil)
        #expect(configuration.files.charset == "ISO-8859-1")
        #expect(setting.apply("off", to: &configuration) == nil)
        #expect(configuration.files.charset == nil)
        for wrong in ["", "utf 8", "utf-8;", "\"utf-8\"", "utf-8\r\n"] { #expect(setting.apply(wrong, to: &configuration) != nil, "\(wrong)") }
    }

    @Test func rulesOfCaches() throws {
        let setting = try setting("files.cache_control")
        var configuration = ServerConfiguration()
        #expect(setting.apply("*.html no-cache;  /assets/*  public, max-age=31536000, immutable ", to: &configuration) == nil)
        #expect(configuration.files.cacheControl.map(\.pattern) == ["*.html", "/assets/*"])
        #expect(configuration.files.cacheControl.map(\.value) == ["no-cache", "public, max-age=31536000, immutable"])
        let text = setting.text(in: configuration)
        #expect(text == "*.html no-cache; /assets/* public, max-age=31536000, immutable")
        var again = ServerConfiguration()
        #expect(setting.apply(text, to: &again) == nil)
        #expect(again == configuration)
        for wrong in ["*.html", "*.html no-cache;", ";", "*.html a\r\nb", "*.html ü"] {
            #expect(setting.apply(wrong, to: &configuration) != nil, "\(wrong)")
        }
    }
}
#endif
