// Signals that reached the old master when it could pass on no more: between its last look and its end. They are found where the kernel
// keeps what is pending, and carried out by the new master. Pure: the text of /proc/PID/status goes in.
// Process: master · Thread: loop

package struct LateOrders: Equatable, Sendable {
    /// Pending for the process when it was last looked at.
    package private(set) var signals: [Int32] = []
    /// The process has ended.
    package private(set) var isOver = false

    package init() {}

    /// - Parameter status: of proc_pid_status(5); nil when there is no such process any more.
    package mutating func look(_ status: String?) {
        guard let status else {
            isOver = true
            return
        }
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "State:": isOver = words[1] == "Z" || words[1] == "X"
            case "ShdPnd:":
                guard let mask = UInt64(words[1], radix: 16) else { continue }
                signals = (1...31).filter { mask >> UInt64($0 - 1) & 1 == 1 }
            default: break
            }
        }
    }
}
