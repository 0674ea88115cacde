// The control socket's routes besides the admin pages: an order of an operator's, and the answer as it comes. No TCP address has them.
//
// Registered and run in the admin worker. The order is carried out by the master, which asks the kernel who is at the connection's other end.
// Process: admin · Thread: loop

package import Cluster
internal import EverycoreStatistics
private import FoundationEssentials

/// Has the master carry out an order that came on a connection; see ``Worker/order(_:of:progress:done:)``.
package typealias OrderCarrier = (
    _ order: ControlOrder, _ connection: Int32, _ progress: @escaping (String) -> Void, _ done: @escaping (ControlOutcome) -> Void
) -> Void

extension Routes {
    /// Adds `POST /control/VERB`, whose content is an object of JSON with the arguments, or nothing. The answer is newline-delimited JSON: any
    /// number of `{"progress": "…"}`, then `{"ok": true|false, "message": "…", "data": …}`.
    package mutating func addControl(_ carryOut: @escaping OrderCarrier) {
        let carryOut = LoopBound(carryOut)
        post("/control/:verb") { request async throws in
            let order = ControlOrder(verb: request.parameters["verb"] ?? "", arguments: try ControlArguments.read(request.body))
            // An exchange knows its connection once its response is to come later.
            await Task.yield()
            guard let connection = request.connectionDescriptor else { throw HTTPError(503, "the connection has ended") }
            let (lines, answer) = AsyncStream.makeStream(of: String.self)
            carryOut.value(order, connection) { text in
                answer.yield(JSONWriter.object { $0.member("progress", text) })
            } _: { outcome in
                answer.yield(outcome.line)
                answer.finish()
            }
            return .stream(contentType: "application/x-ndjson") { writer in
                for await line in lines { try await writer.write(line + "\n") }
            }
            .header("Cache-Control", "no-store")
        }
    }
}

extension ControlOutcome {
    /// As it is sent. The data is JSON already.
    var line: String {
        let line = JSONWriter.object { line in
            line.member("ok", isDone)
            line.member("message", message)
        }
        guard let data else { return line }
        return "\(line.dropLast()),\"data\":\(data.filter { $0 != "\n" && $0 != "\r\n" })}"
    }
}

/// The arguments of an order: members of an object, each a text, a number, or true or false.
private enum ControlArguments {
    private enum Value: Decodable {
        case text(String)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self = .text(text)
            } else if let number = try? value.decode(Int.self) {
                self = .text("\(number)")
            } else {
                self = .text(try value.decode(Bool.self) ? "true" : "false")
            }
        }
    }

    static func read(_ body: RequestBody) throws -> [String: String] {
        if body.isEmpty { return [:] }
        guard let values = try? JSONDecoder().decode([String: Value].self, from: Data(body.bytes)) else {
            throw HTTPError(400, "the content is no object of JSON with texts, numbers, true or false")
        }
        return values.mapValues { value in
            switch value {
            case .text(let text): text
            }
        }
    }
}
