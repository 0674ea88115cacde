// Large and deep messages to the master, and what they cost either side.
// Process: both · Thread: loop

#if TestPrograms
import Cluster
import Everycore
import Foundation

struct DataMessage: Codable { let content: Data }
struct BytesMessage: Codable { let content: [UInt8] }
struct ContiguousMessage: Codable { let content: ContiguousArray<UInt8> }
/// How many bytes the last message had.
struct LastCount: RequestMessage { typealias Reply = Int }

/// Nests unkeyed containers without a value of its own in between.
struct DeepMessage: Codable {
    let depth: Int

    init(depth: Int) { self.depth = depth }
    init(from decoder: any Decoder) throws { depth = 0 }

    func encode(to encoder: any Encoder) throws {
        var containers = [encoder.unkeyedContainer()]
        for index in 0..<depth { containers.append(containers[index].nestedUnkeyedContainer()) }
        try containers[depth].encode(1)
    }
}

/// Set when the worker starts, before it serves.
nonisolated(unsafe) var thisWorker: Worker?

func addMessages(_ routes: inout Routes) {
    // Sends so many MB in a message of this kind; answers the seconds that it took here, and until the master had it.
    routes.get("/send") { request async throws in
        guard let worker = unsafe thisWorker else { return .text("no worker\n") }
        let count = (Int(request.queryItem("mb") ?? "") ?? 8) << 20
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 0x9E37_79B9 >> 13) }
        let begun = ContinuousClock.now
        do {
            switch request.queryItem("kind") {
            case "bytes": try worker.send(BytesMessage(content: content))
            case "contiguous": try worker.send(ContiguousMessage(content: ContiguousArray(content)))
            case "deep": try worker.send(DeepMessage(depth: Int(request.queryItem("depth") ?? "") ?? 100_000))
            default: try worker.send(DataMessage(content: Data(content)))
            }
        } catch {
            return .text("refused: \(error)\n")
        }
        let sent = ContinuousClock.now
        worker.flushMessages()
        let received = try await worker.request(LastCount(), deadline: .seconds(60))
        return .text("\((sent - begun).seconds) \((ContinuousClock.now - sent).seconds) \(received)\n")
    }
}

/// In the master.
func countMessages(_ cluster: Cluster) {
    nonisolated(unsafe) var last = 0
    cluster.onMessage(DataMessage.self) { message, _ in unsafe last = message.content.count }
    cluster.onMessage(BytesMessage.self) { message, _ in unsafe last = message.content.count }
    cluster.onMessage(ContiguousMessage.self) { message, _ in unsafe last = message.content.count }
    cluster.onMessage(DeepMessage.self) { message, _ in unsafe last = message.depth }
    cluster.onRequest(LastCount.self) { _, _ in unsafe last }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
#endif
