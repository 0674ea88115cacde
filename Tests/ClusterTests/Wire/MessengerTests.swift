// Messages, requests and replies between two ends: what arrives, in which order, and what goes wrong how.

import CEverycorePosix
import Cluster
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

private struct Note: Codable, Equatable {
    var id: Int
    var text: String
}

private struct Foreign: Codable { var id: String }

private struct Double: RequestMessage {
    typealias Reply = Int
    var number: Int
}

private struct Refusal: Error, CustomStringConvertible {
    var description: String { "not today" }
}

@Suite struct MessengerTests {
    // MARK: Messages

    @Test func allHandlersOfATypeAreCalledInTheOrderOfRegistration() throws {
        let pair = try MessagePair()
        var calls: [String] = []
        pair.far.handlers.register(Note.self) { note, sender in calls.append("a \(note.id) \(sender)") }
        pair.far.handlers.register(Note.self) { note, _ in calls.append("b \(note.id)") }
        try pair.near.send(Note(id: 1, text: "x"))
        try pair.near.send(Note(id: 2, text: "y"))
        #expect(pair.run { calls.count == 4 })
        #expect(calls == ["a 1 near", "b 1", "a 2 near", "b 2"])
    }

    @Test func aHandlerRegisteredAfterTheFirstMessageGetsTheNext() throws {
        let pair = try MessagePair()
        var received: [Note] = []
        try pair.near.send(Note(id: 1, text: ""))
        #expect(pair.run { !pair.failures.isEmpty })
        pair.far.handlers.register(Note.self) { note, _ in received.append(note) }
        try pair.near.send(Note(id: 2, text: ""))
        #expect(pair.run { received.count == 1 })
        #expect(pair.failures.map(\.reason) == [.noHandler])
        #expect(pair.figures[.messagesUndecodable] == 1)
    }

    @Test func aMillionMessagesAreCountedExactlyAndInOrder() throws {
        var options = MessageOptions()
        options.queueCount = 1000
        let pair = try MessagePair(options: options)
        let total = 1_000_000
        var (sent, received, outOfOrder) = (0, 0, 0)
        pair.far.handlers.register(bytes: "n") { bytes, _ in
            var number = 0
            for index in bytes.indices { number = number << 8 | Int(bytes[index]) }
            if number != received { outOfOrder += 1 }
            received += 1
        }
        func sendSome() {
            while sent < total {
                let bytes = [UInt8(sent >> 16 & 0xFF), UInt8(sent >> 8 & 0xFF), UInt8(sent & 0xFF)]
                do {
                    try pair.near.send(bytes: bytes.span, to: "n")
                } catch {
                    return pair.near.whenRoom(sendSome)
                }
                sent += 1
            }
        }
        sendSome()
        #expect(pair.run { received >= total })
        #expect(received == total && outOfOrder == 0)
        #expect(pair.figures[.messagesReceived] == UInt64(total))
    }

    @Test func whatCannotBeDecodedIsReportedAndEndsNothing() throws {
        let pair = try MessagePair()
        var errors: [MessageFailure] = []
        var received = 0
        pair.far.handlers.register(Note.self) { _, _ in received += 1 }
        pair.far.handlers.onFailure.append { failure, sender in
            #expect(sender == "near")
            errors.append(failure)
        }
        // As if the other side's type of this name were another.
        try pair.near.send(bytes: [0xFF, 0xFF].span, to: String(reflecting: Note.self))
        try pair.near.send(Foreign(id: "x"))
        try pair.near.send(Note(id: 1, text: ""))
        #expect(pair.run { received == 1 })
        #expect(errors.map(\.type) == [String(reflecting: Note.self), String(reflecting: Foreign.self)])
        #expect(errors.map(\.reason) == [.noHandler, .noHandler])
    }

    @Test func moreNamesThanHaveNumbersArriveAllTheSame() throws {
        let pair = try MessagePair()
        var received = 0
        for index in 0..<5000 { pair.far.handlers.register(bytes: "name \(index)") { _, _ in received += 1 } }
        for round in 0..<2 {
            for index in 0..<5000 {
                while true {
                    do {
                        try pair.near.send(bytes: [UInt8(round)].span, to: "name \(index)")
                        break
                    } catch MessageError.queueFull {
                        pair.far.channel.receiveAll()
                        pair.near.channel.flush(until: 0)
                    }
                }
            }
        }
        #expect(pair.run { received == 10_000 })
        #expect(pair.failures.isEmpty)
    }

    @Test func anOversizedNameIsRefused() throws {
        let pair = try MessagePair()
        let name = String(repeating: "x", count: 5000)
        #expect(throws: MessageError.nameTooLong) { try pair.near.send(bytes: [1].span, to: name) }
    }

    // MARK: Waiting for room

    @Test func whoWaitsForRoomIsServedInOrderAndNotOvertaken() throws {
        var options = MessageOptions()
        options.queueCount = 4
        let pair = try MessagePair(options: options)
        var received: [Int] = []
        pair.far.handlers.register(Note.self) { note, _ in received.append(note.id) }
        var next = 0
        while (try? pair.near.send(Note(id: next, text: String(repeating: "x", count: 5000)))) != nil { next += 1 }
        for _ in 0..<50 {
            let id = next
            pair.near.whenRoom { try? pair.near.send(Note(id: id, text: "")) }
            next += 1
        }
        #expect(throws: MessageError.queueFull) { try pair.near.send(Note(id: -1, text: "")) }
        let total = next
        #expect(pair.run { received.count == total })
        #expect(received == Array(0..<total))
    }

    // MARK: Requests

    @Test func aRequestGetsItsReply() throws {
        let pair = try MessagePair()
        pair.far.handlers.register(Double.self, answering: { request, _, reply in reply(.success(request.number * 2)) })
        var results: [Result<Int, RequestError>] = []
        for number in 1...3 { pair.near.request(Double(number: number), deadline: .seconds(5)) { results.append($0) } }
        #expect(pair.run { results.count == 3 })
        #expect(results == [.success(2), .success(4), .success(6)])
    }

    @Test func aRequestWithoutAReplyFailsAsItShould() throws {
        let pair = try MessagePair()
        var results: [Result<Int, RequestError>] = []
        func ask(_ deadline: Duration = .seconds(5)) -> Result<Int, RequestError>? {
            results = []
            pair.near.request(Double(number: 1), deadline: deadline) { results.append($0) }
            _ = pair.run { !results.isEmpty }
            return results.first
        }
        #expect(ask() == .failure(.noHandler(type: String(reflecting: Double.self))))
        pair.far.handlers.register(Double.self, answering: { _, _, reply in reply(.failure(Refusal())) })
        #expect(ask() == .failure(.failed(reason: "not today")))
        pair.far.handlers.register(Double.self, answering: { _, _, _ in })
        #expect(ask(.milliseconds(20)) == .failure(.deadlinePassed(.milliseconds(20))))
        pair.far.handlers.register(Double.self, answering: { _, _, _ in pair.far.channel.close() })
        #expect(ask() == .failure(.disconnected))
        #expect(ask() == .failure(.notSent(.disconnected)))
    }

    @Test func aReplyThatComesTwiceOrTooLateHarmsNobody() throws {
        let pair = try MessagePair()
        var late: ((Result<Int, any Error>) -> Void)?
        pair.far.handlers.register(Double.self, answering: { _, _, reply in late = reply })
        var results: [Result<Int, RequestError>] = []
        pair.near.request(Double(number: 1), deadline: .milliseconds(10)) { results.append($0) }
        #expect(pair.run { results.count == 1 && late != nil })
        late?(.success(1))
        late?(.success(2))
        pair.near.request(Double(number: 1), deadline: .milliseconds(10)) { results.append($0) }
        #expect(pair.run { results.count == 2 })
        #expect(results.allSatisfy { $0 == .failure(.deadlinePassed(.milliseconds(10))) })
    }

    @Test func aReplyBeyondTheLimitIsAnError() throws {
        struct Much: RequestMessage {
            typealias Reply = [UInt8]
        }
        var options = MessageOptions()
        options.maximumByteCount = 1000
        let pair = try MessagePair(options: options)
        pair.far.handlers.register(Much.self, answering: { _, _, reply in reply(.success(Array(repeating: 1, count: 1001))) })
        var error: RequestError?
        pair.near.request(Much(), deadline: .seconds(5)) { result in if case .failure(let reason) = result { error = reason } }
        #expect(pair.run { error != nil })
        #expect(error == .replyNotSent(reason: "the message takes more than 1000 bytes"))
    }
}
