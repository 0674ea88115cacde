// Facts about layers around handlers.

import Everycore
import Testing

private struct Mark: Middleware {
    let name: String
    func after(_ request: Request, _ response: inout Response) {
        response.headers["X-Marks"] = (response.headers["X-Marks"] ?? "") + name
    }
}

private struct Gate: Middleware {
    func before(_ request: Request) throws -> Response? {
        switch request.header("X-Key") {
        case "right": nil
        case "wrong": throw HTTPError(403)
        default: .text("no key").status(401)
        }
    }
}

struct MiddlewareTests {
    private func client() throws -> TestClient {
        try TestClient { routes in
            routes.get("/plain") { _ in .text("plain") }
            routes.group("/api", with: Mark(name: "a"), Gate(), Mark(name: "b")) { api in
                api.get("/now") { _ in .text("now") }
                api.get("/later") { request async in .text("later") }
                api.get("/refused") { _ in throw HTTPError(404) }
                api.group("/inner", with: Mark(name: "c")) { $0.get("/:x") { .text("\($0.parameters["x"] ?? "")") } }
            }
            routes.get("/also-plain") { _ in .text("plain") }
        }
    }

    @Test(arguments: ["/api/now", "/api/later"])
    func `layers see the response from the inside out, for both kinds of handlers`(path: String) throws {
        let response = try client().send("GET", path, headers: [("X-Key", "right")])
        #expect(response.status == 200)
        #expect(response["x-marks"] == "ba")
    }

    @Test(arguments: ["/api/now", "/api/later"])
    func `a layer answers in the handler's place, and only outer layers see its answer`(path: String) throws {
        let response = try client().send("GET", path)
        #expect(response.status == 401)
        #expect(response.body == "no key")
        #expect(response["x-marks"] == "a")
        let refused = try client().send("GET", path, headers: [("X-Key", "wrong")])
        #expect(refused.status == 403)
        #expect(refused["x-marks"] == "a")
    }

    @Test func `layers see the response to a handler's HTTPError`() throws {
        let response = try client().send("GET", "/api/refused", headers: [("X-Key", "right")])
        #expect(response.status == 404)
        #expect(response["x-marks"] == "ba")
    }

    @Test func `groups nest, with their prefixes`() throws {
        let response = try client().send("GET", "/api/inner/7", headers: [("X-Key", "right")])
        #expect(response.body == "7")
        #expect(response["x-marks"] == "cba")
    }

    @Test(arguments: ["/plain", "/also-plain"])
    func `routes outside of the group aren't touched`(path: String) throws {
        let response = try client().get(path)
        #expect(response.body == "plain")
        #expect(response["x-marks"] == nil)
    }
}
