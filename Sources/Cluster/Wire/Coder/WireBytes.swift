// Values that are sent as bytes and not number by number: `[UInt8]`, `ContiguousArray<UInt8>`, and Foundation's `Data`.
// Used by master and workers, through WireEncoder and WireDecoder. This file touches raw memory.
//
// The cluster imports no Foundation, which starts threads. `Data` is known by its name and by a protocol of the standard library that it
// conforms to. Other collections of bytes code themselves: they may have a reason.

enum WireBytes {
    /// Calls `body` with the bytes of a value that is sent as such; returns false for any other.
    @inline(__always)
    static func with<Value>(_ value: Value, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        if Value.self == [UInt8].self, let bytes = value as? [UInt8] {
            try unsafe bytes.withUnsafeBytes { unsafe try body($0) }
            return true
        }
        return try unsafe MemoryLayout<Value>.size <= longest && withOther(value, body)
    }

    /// Makes a value of bytes; nil where the type isn't sent as such.
    @inline(__always)
    static func make<Value>(_ type: Value.Type, of bytes: () throws -> [UInt8]) rethrows -> Value? {
        if type == [UInt8].self { return try bytes() as? Value }
        return MemoryLayout<Value>.size <= longest ? try makeOther(type, of: bytes) : nil
    }

    /// Of such values, in memory: those that are longer need no further look.
    private static var longest: Int { 16 }

    @inline(never)
    private static func withOther<Value>(_ value: Value, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        if Value.self == ContiguousArray<UInt8>.self, let bytes = value as? ContiguousArray<UInt8> {
            try unsafe bytes.withUnsafeBytes { unsafe try body($0) }
        } else if isData(Value.self), let bytes = value as? any RangeReplaceableCollection<UInt8> {
            try unsafe withContents(of: bytes, body)
        } else {
            return false
        }
        return true
    }

    private static func withContents(of bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let isDone: Void? = try bytes.withContiguousStorageIfAvailable { unsafe try body(UnsafeRawBufferPointer($0)) }
        if isDone == nil { try unsafe Array(bytes).withUnsafeBytes { unsafe try body($0) } }
    }

    @inline(never)
    private static func makeOther<Value>(_ type: Value.Type, of bytes: () throws -> [UInt8]) rethrows -> Value? {
        if type == ContiguousArray<UInt8>.self { return ContiguousArray(try bytes()) as? Value }
        guard isData(type), let collection = type as? any RangeReplaceableCollection<UInt8>.Type else { return nil }
        return filled(collection, with: try bytes()) as? Value
    }

    private static func filled<Bytes: RangeReplaceableCollection<UInt8>>(_ type: Bytes.Type, with bytes: [UInt8]) -> Bytes {
        var filled = Bytes()
        filled.append(contentsOf: bytes)
        return filled
    }

    private static func isData<Value>(_ type: Value.Type) -> Bool {
        guard MemoryLayout<Value>.size == longest, type is any RangeReplaceableCollection<UInt8>.Type else { return false }
        return ["Foundation.Data", "FoundationEssentials.Data"].contains(String(reflecting: type))
    }
}
