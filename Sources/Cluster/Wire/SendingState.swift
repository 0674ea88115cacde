// What one end of a channel has to send: messages of this turn, packets that wait, files under way, and the senders that wait for room.
// Owned by its Channel.

internal import EverycoreLoop

final class SendingState {
    /// Messages of this turn, behind a packet's header.
    let batch = GrowingBytes()
    var batchCount = 0
    /// Packets that the socket had no room for.
    var waiting: [WaitingPacket] = []
    var firstWaiting = 0
    var waitingCount = 0
    var waitingByteCount = 0
    /// Of the packets that wait, those of the cluster's own.
    private(set) var ownWaitingCount = 0
    /// Sizes of the large messages that wait or are under way, oldest first: the other side says when it has read them.
    var files: [Int] = []
    var fileByteCount = 0
    var waiters: [Waiter] = []
    var lastWaiter = 0
    var turn: LoopTurn?
    var isTurnActive = false
    var writeWatch: DescriptorWatch?
    var retry: LoopTimer?
    var peerIsGone = false
    var isServingWaiters = false

    /// A packet is sent when it has so many bytes; it may have more if its last message is larger.
    static let packetByteCount = 32 * 1024
    static let fileLimit = 16
    static let ownPacketLimit = 4096

    private(set) var isBlocked = false

    func lineUp(_ packet: WaitingPacket) {
        isBlocked = true
        waiting.append(packet)
        waitingCount += packet.messages
        waitingByteCount += packet.bytes.count
        if packet.messages == 0 { ownWaitingCount += 1 }
    }

    /// The first of those that wait has been sent.
    func sentFirst() {
        let packet = waiting[firstWaiting]
        waitingByteCount -= packet.bytes.count
        waitingCount -= packet.messages
        if packet.messages == 0 { ownWaitingCount -= 1 }
        firstWaiting += 1
        if firstWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            firstWaiting = 0
            isBlocked = false
        } else if firstWaiting > 1024 {
            waiting.removeFirst(firstWaiting)
            firstWaiting = 0
        }
    }

    /// Nothing will be sent any more.
    func clear() {
        waiting = []
        firstWaiting = 0
        (waitingCount, waitingByteCount, ownWaitingCount) = (0, 0, 0)
        isBlocked = false
        batch.reset(keeping: 0)
        batchCount = 0
        files = []
        fileByteCount = 0
        waiters = []
        turn = nil
        writeWatch = nil
        retry = nil
    }
}

struct WaitingPacket {
    let bytes: [UInt8]
    /// How many of them the queue's bound counts.
    let messages: Int
    /// Travels with it.
    let file: OwnedDescriptor?
}

/// A sender that waits for room.
struct Waiter {
    let number: Int
    /// Tries again; false when there is no room yet. Called with nil when there never will be.
    let attempt: (MessageError?) -> Bool
}
