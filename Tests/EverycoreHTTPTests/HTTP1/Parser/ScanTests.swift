// The scans 16 bytes at a time say what the portable ones say, for every byte at every place.

import CEverycoreScan
import Testing

@Suite struct ScanTests {
    enum Scan: CaseIterable {
        case name, value, target, host

        /// Where the scan of the bytes stops, 16 bytes at a time and portably.
        func stops(_ bytes: [UInt8]) -> (vector: Int, portable: Int) {
            unsafe bytes.withUnsafeBytes { buffer in
                guard let start = buffer.baseAddress else { return (-1, -2) }
                return switch self {
                case .name: unsafe (everycore_scan_name(start), everycore_scan_name_portable(start))
                case .value: unsafe (everycore_scan_value(start), everycore_scan_value_portable(start))
                case .target: unsafe (everycore_scan_target(start), everycore_scan_target_portable(start))
                case .host: unsafe (everycore_scan_host(start), everycore_scan_host_portable(start))
                }
            }
        }
    }

    /// A letter is of every class; a zero of none.
    @Test(arguments: Scan.allCases) func stopsWhereThePortableOneStops(scan: Scan) {
        for count in 0...40 {
            for place in 0...count {
                var bytes = [UInt8](repeating: 0x61, count: count) + [UInt8](repeating: 0, count: 16)
                for byte in UInt8.min...UInt8.max {
                    bytes[place] = byte
                    let stops = scan.stops(bytes)
                    if stops.vector != stops.portable { Issue.record("\(scan): \(stops) for \(byte) at \(place) of \(count)") }
                }
            }
        }
    }

    @Test func classesAreWhatTheyAreNamedFor() {
        for byte in UInt8.min...UInt8.max {
            let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            #expect((everycore_is_name(byte) != 0) == (isLetter || byte == 0x2D))
            #expect((everycore_is_host(byte) != 0) == (isLetter || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E))
            #expect((everycore_is_value(byte) != 0) == (byte >= 0x20 && byte != 0x7F))
            #expect((everycore_is_target(byte) != 0) == ((0x21...0x7E).contains(byte) && !Array("#%?".utf8).contains(byte)))
        }
    }
}
