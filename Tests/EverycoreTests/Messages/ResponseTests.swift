// Facts about responses as handlers make them.

import Everycore
import HTTPTypes
import Testing

struct ResponseTests {
    private func sent(_ response: Response) throws -> TestResponse {
        try TestClient { $0.get("/") { _ in response } }.get("/")
    }

    @Test func `each kind of body has its media type`() throws {
        let text = "x"
        #expect(try sent(.text("x"))["content-type"] == "text/plain; charset=utf-8")
        #expect(try sent(.text("\(text)"))["content-type"] == "text/plain; charset=utf-8")
        #expect(try sent(.html("x"))["content-type"] == "text/html; charset=utf-8")
        #expect(try sent(.html("\(text)"))["content-type"] == "text/html; charset=utf-8")
        #expect(try sent(.json("{}"))["content-type"] == "application/json")
        #expect(try sent(.bytes([0x78]))["content-type"] == "application/octet-stream")
        #expect(try sent(.bytes([0x78], contentType: "image/png"))["content-type"] == "image/png")
        #expect(try sent(.bytes([0x78])).body == "x")
    }

    @Test func `an empty response has no body and no media type`() throws {
        let response = try sent(.empty(202))
        #expect(response.status == 202)
        #expect(response["content-type"] == nil)
        #expect(response["content-length"] == "0")
        #expect(try sent(.empty())["content-length"] == nil)
    }

    @Test func `a redirect says where to`() throws {
        let response = try sent(.redirect(to: "/there"))
        #expect(response.status == 303)
        #expect(response["location"] == "/there")
        #expect(try sent(.redirect(to: "/there", status: 308)).status == 308)
    }

    @Test func `text beyond ASCII is counted in bytes`() throws {
        let text = String(repeating: "ü", count: 1000)
        #expect(try sent(.text("ü"))["content-length"] == "2")
        #expect(try sent(.text("\(text)"))["content-length"] == "2000")
    }

    @Test func `fields are set, added and removed without regard to case`() throws {
        var response = Response.text("x")
        response.headers["X-One"] = "1"
        response.headers["x-one"] = "2"
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["X-Gone"] = "1"
        response.headers["x-GONE"] = nil
        #expect(response.headers["X-ONE"] == "2")
        let answer = try sent(response)
        #expect(answer.fields.filter { $0.name == "set-cookie" }.map(\.value) == ["a=1", "b=2"])
        #expect(answer["x-one"] == "2")
        #expect(answer["x-gone"] == nil)
    }

    @Test func `the media type is a field like any other where one is set`() throws {
        var response = Response.text("x")
        response.headers["Content-Type"] = "text/csv"
        #expect(response.headers["content-type"] == "text/csv")
        let answer = try sent(response)
        #expect(answer.fields.filter { $0.name == "content-type" }.map(\.value) == ["text/csv"])
    }

    @Test func `HTTPTypes' fields go in and come out`() throws {
        var response = Response.json("{}")
        response.headerFields[.cacheControl] = "no-store"
        #expect(response.headerFields[.contentType] == "application/json")
        #expect(response.headerFields[.cacheControl] == "no-store")
        let answer = try sent(response)
        #expect(answer["content-type"] == "application/json")
        #expect(answer["cache-control"] == "no-store")
        #expect(answer.body == "{}")
    }
}
