// The program's own state goes from one master to the next: see Cluster+HandOver.swift. It travels in a file in memory, since the channel
// between two masters has no room for much.
//
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

extension ProgramState {
    /// Runs in the old master, before the new one begins.
    static func send(_ context: MasterContext, on channel: Channel) {
        let plan = context.plan
        guard !plan.handedStates.isEmpty else { return }
        var state = ProgramState()
        for handed in plan.handedStates {
            do {
                state.values.append(try handed.encode())
                state.names.append(handed.name)
            } catch {
                context.log(.error, .stateNotHandedOver, "state stays behind: it can't be encoded", ["type": "\(handed.name)", "reason": "\(error)"])
            }
        }
        do {
            let bytes = try WireEncoder(sizeLimit: ProgramState.byteLimit).encode(state)
            try channel.send(control: Packet(.programState, number: UInt32(clamping: bytes.count)), with: SealedFile(bytes.span))
        } catch {
            context.log(.error, .stateNotHandedOver, "state stays behind: it can't be sent", ["reason": "\(error)"])
        }
    }

    /// Runs in the new master.
    static func take(_ context: MasterContext, _ packet: Packet, _ file: Int32) {
        guard let count = packet.numbered?.number, let sealed = SealedFile(received: file, byteCount: Int(count)),
            sealed.byteCount <= ProgramState.byteLimit
        else { return context.log(.error, .stateNotTakenOver, "the old master's state was damaged on its way") }
        do {
            let bytes = try sealed.read()
            let state = try WireDecoder().decode(ProgramState.self, from: bytes.array(0..<bytes.count))
            for (name, value) in zip(state.names, state.values) { take(context, name, value) }
        } catch {
            context.log(.error, .stateNotTakenOver, "the old master's state can't be read", ["reason": "\(error)"])
        }
    }

    private static func take(_ context: MasterContext, _ name: String, _ value: [UInt8]) {
        guard let handed = context.plan.handedStates.first(where: { $0.name == name }) else {
            return context.log(.warning, .stateNotTakenOver, "this program takes no such state of the old master", ["type": "\(LogText.plain(name))"])
        }
        do {
            try handed.take(value)
        } catch {
            context.log(.error, .stateNotTakenOver, "a state of the old master's can't be decoded", ["type": "\(name)", "reason": "\(error)"])
        }
    }
}
