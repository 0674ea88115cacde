// Listeners that no longer listen, and what arrives on the sockets between workers.

import CEverycorePosix
import Cluster
import Glibc
import Testing

@Suite struct ListenersThatNoLongerListenTests {
    private func open(_ addresses: [ListenAddress], slots: Int = 2) throws(ClusterError) -> Listeners {
        try Listeners(addresses: addresses, slots: slots, auxiliaries: [], backlog: 16)
    }

    private func connects(_ address: ListenAddress) -> Bool { connection(address).map { close($0) } != nil }

    /// A connection that the kernel has completed.
    private func connection(_ address: ListenAddress) -> Int32? {
        let isUnix = address.port == nil
        let descriptor = socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let result: Int32
        if case .unix(let path) = address {
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
            result = unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        } else {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = (address.port ?? 0).bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            result = unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        if result == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private func path(_ name: String) -> String { "/tmp/everycore-\(name)-\(getpid()).sock" }

    @Test(arguments: [SHUT_RD, SHUT_RDWR]) func aTCPListenerThatWasShutDownListensAgainOnItsPort(_ how: Int) throws {
        var listeners = try open([.tcp(host: "127.0.0.1", port: 0), .tcp(host: "0.0.0.0", port: 0)])
        defer { listeners.close() }
        #expect(listeners.ended == [])
        // The first slot's port is the kernel's choice, which is over with the listener.
        for slot in listeners.ofSlots {
            for listener in slot {
                shutdown(listener.descriptor, Int32(how))
                #expect(listeners.ended == [listener])
                #expect(try listeners.heal(listener) == .listensAgain)
                #expect(listeners.ended == [])
                #expect(connects(listener.address))
            }
        }
        // The kernel spreads connections over both slots again.
        let address = try #require(listeners.addresses.first)
        let clients = (0..<16).compactMap { _ in connection(address) }
        defer { for client in clients { close(client) } }
        for slot in listeners.ofSlots {
            var queue = pollfd(fd: slot[0].descriptor, events: Int16(POLLIN), revents: 0)
            #expect(unsafe poll(&queue, 1, 0) == 1)
        }
    }

    @Test func settingsThatAnyProcessCanChangeForAllArePutRight() throws {
        var listeners = try open([.tcp(host: "127.0.0.1", port: 0)], slots: 1)
        defer { listeners.close() }
        let listener = try #require(listeners.ofSlots.first?.first)
        let descriptor = listener.descriptor
        #expect(listeners.restoreSettings(of: listener) == [])
        let size = socklen_t(MemoryLayout<Int32>.size)
        func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Int32 {
            var value = value
            return unsafe setsockopt(descriptor, level, option, &value, size)
        }
        var reset = linger(l_onoff: 1, l_linger: 0)
        #expect(unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size)) == 0)
        _ = fcntl(descriptor, F_SETFL, 0)
        #expect(set(SOL_SOCKET, SO_RCVLOWAT, 4096) == 0)
        #expect(set(SOL_SOCKET, SO_RCVBUF, 1) == 0)
        #expect(set(Int32(IPPROTO_TCP), TCP_NODELAY, 0) == 0)
        #expect(set(Int32(IPPROTO_TCP), TCP_CORK, 1) == 0)
        let restored = listeners.restoreSettings(of: listener)
        #expect(Set(restored).isSuperset(of: ["SO_LINGER", "O_NONBLOCK", "SO_RCVLOWAT", "SO_RCVBUF", "TCP_NODELAY", "TCP_CORK"]))
        #expect(listeners.restoreSettings(of: listener) == [])
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
        var length = socklen_t(MemoryLayout<linger>.size)
        #expect(unsafe getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, &length) == 0 && reset.l_onoff == 0)
    }

    @Test func noProcessCanAttachAFilterThatDropsAllConnections() throws {
        var listeners = try open([.tcp(host: "127.0.0.1", port: 0)], slots: 1)
        defer { listeners.close() }
        let listener = try #require(listeners.ofSlots.first?.first)
        // One instruction: BPF_RET | BPF_K, which keeps no byte of any packet.
        var instruction: UInt64 = 0x06
        unsafe withUnsafeMutablePointer(to: &instruction) { code in
            var program: (count: UInt64, code: UnsafeMutablePointer<UInt64>) = unsafe (1, code)
            let result = unsafe setsockopt(listener.descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, 16)
            #expect(result == -1 && errno == EPERM)
        }
        #expect(connects(listener.address))
    }

    @Test func aListenerThatWasMadeBlockingHoldsNoWorker() throws {
        var listeners = try open([.tcp(host: "127.0.0.1", port: 0), .unix(path: path("blocks"))], slots: 1)
        defer { listeners.close() }
        for listener in try #require(listeners.ofSlots.first) {
            _ = fcntl(listener.descriptor, F_SETFL, 0)
            let accepted = accept(listener.descriptor, nil, nil)
            #expect(accepted == -1 && errno == EAGAIN)
        }
    }

    @Test func aUnixListenerThatWasShutDownOrLostItsPathGetsAnotherSocketUnderItsNumber() throws {
        let path = path("heal")
        var listeners = try open([.unix(path: path)])
        defer { listeners.close() }
        let listener = try #require(listeners.ofSlots.first?.first)
        var replacements = 0
        for harm in ["shut down", "removed", "shut down"] {
            if harm == "removed" { unsafe unlink(path) } else { shutdown(listener.descriptor, Int32(SHUT_RD)) }
            #expect(!connects(listener.address))
            #expect(listeners.ended == (harm == "removed" ? [] : [listener]))
            #expect(try listeners.heal(listener, whenReplaced: { replacements += 1 }) == .replaced)
            #expect(listeners.ended == [])
            #expect(connects(listener.address))
        }
        #expect(replacements == 3)
        #expect(fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func aPathThatAnotherProgramHasIsLeftToItAlsoAtTheEnd() throws {
        let path = path("taken")
        var first = try open([.unix(path: path)])
        let listener = try #require(first.ofSlots.first?.first)
        unsafe unlink(path)
        var second = try open([.unix(path: path)])
        #expect(try first.heal(listener) == .pathTaken)
        first.close()
        #expect(connects(.unix(path: path)))
        second.close()
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func noFileButTheSocketItselfIsLeftInTheDirectory() throws {
        let directory = "/tmp/everycore-directory-\(getpid())"
        try #require(unsafe mkdir(directory, 0o755) == 0)
        defer { unsafe rmdir(directory) }
        var listeners = try open([.unix(path: "\(directory)/s")])
        let listener = try #require(listeners.ofSlots.first?.first)
        shutdown(listener.descriptor, Int32(SHUT_RD))
        _ = try listeners.heal(listener)
        listeners.close()
        // Succeeds for an empty one only.
        #expect(unsafe rmdir(directory) == 0)
    }
}

@Suite struct PacketsWithDescriptors {
    private func free() -> Int32 {
        let number = dup(0)
        close(number)
        return number
    }

    @Test(arguments: [0, 1, 100]) func leaveNoneBehind(_ count: Int) throws {
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        let buffer = ByteStorage(count: 64)
        let number = free()
        let packet = [UInt8](repeating: 1, count: count)
        #expect(unsafe packet.withUnsafeBytes { unsafe cposix_send_with_descriptor(pair[0], $0.baseAddress, $0.count, 0) } == count)
        switch PacketSocket.receive(into: buffer, on: pair[1], withDescriptors: true) {
        case .packet(let received, let descriptors):
            #expect(received == count && descriptors.only == number)
            descriptors.close()
        case .oversized: #expect(count > 64)
        case .nothingYet, .end: #expect(Bool(false))
        }
        #expect(free() == number)
        close(pair[0])
        pair[0] = -1
        guard case .end = PacketSocket.receive(into: buffer, on: pair[1], withDescriptors: true) else { return #expect(Bool(false)) }
    }

    /// Any process that has the socket can ask for them.
    @Test func arriveAlsoWhereTheKernelIsToAddCredentialsAndProcesses() throws {
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        var on: Int32 = 1
        let (credentials, processes) = (SO_PASSCRED, Int32(76))
        for option in [credentials, processes] { _ = unsafe setsockopt(pair[1], SOL_SOCKET, option, &on, 4) }
        let buffer = ByteStorage(count: 64)
        let number = free()
        #expect(unsafe cposix_send_with_descriptor(pair[0], "a", 1, 0) == 1)
        guard case .packet(1, let descriptors) = PacketSocket.receive(into: buffer, on: pair[1], withDescriptors: true) else {
            return #expect(Bool(false))
        }
        #expect(descriptors.only != nil)
        descriptors.close()
        #expect(free() == number)
    }
}

@Suite struct HandOverSocketTests {
    private func pair(_ type: __socket_type) throws -> [Int32] {
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(type.rawValue), 0, &pair) == 0)
        return pair
    }

    private func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

    @Test func aConnectionArrivesNonblockingAndClosesWithoutLingering() throws {
        let socket = try TransferSocket()
        let pair = try pair(SOCK_STREAM)
        var option = linger(l_onoff: 1, l_linger: 60)
        #expect(unsafe setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size)) == 0)
        let isSent = socket.send(pair[0], isNew: true, reservation: .init(table: 7, entry: 3))
        #expect(isSent)
        guard case .connection(let arrival) = socket.receive() else { return #expect(Bool(false)) }
        #expect((arrival.isNew, arrival.reservation) == (true, .init(table: 7, entry: 3)))
        #expect(fcntl(arrival.connection, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(arrival.connection, F_GETFD) & FD_CLOEXEC != 0)
        #expect(socket.receive() == .nothing)
        for descriptor in pair + [arrival.connection] + [socket.sender, socket.receiver] { close(descriptor) }
    }

    @Test func whatIsNoConnectionIsClosedAndComesToNoOtherReader() throws {
        let socket = try TransferSocket()
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        let datagrams = try pair(SOCK_DGRAM)
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #expect(listen(listener, 1) == 0)
        for harm in ends + datagrams + [listener] {
            let isSent = socket.send(harm, isNew: true, reservation: nil)
            #expect(isSent)
            close(harm)
            let free = dup(0)
            close(free)
            #expect(socket.receive() == .unusable)
            // The number that it had is free again.
            #expect(!isOpen(free))
            #expect(socket.receive() == .nothing)
        }
        _ = unsafe send(socket.sender, "abc", 3, 0)
        #expect(socket.receive() == .unusable)
        shutdown(socket.sender, Int32(SHUT_WR))
        #expect(socket.receive() == .ended)
        for descriptor in [socket.sender, socket.receiver] { close(descriptor) }
    }
}

@Suite struct MoveSocketTests {
    @Test(arguments: [SHUT_RD, SHUT_WR, SHUT_RDWR].map { Int32($0) })
    func oneThatWasShutDownHasEndedAndNothingWaitsInIt(_ direction: Int32) throws {
        let socket = try MoveSocket()
        let buffer = ByteStorage(count: MoveSocket.maximumByteCount)
        let isEmpty = socket.receive(into: buffer) == .nothing
        #expect(isEmpty && !socket.hasWaiting)
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let bytes: [UInt8] = [1, 2, 3]
        let isSent = unsafe socket.send(pair[0], bytes.span.bytes, readAt: 7)
        #expect(isSent && socket.hasWaiting)
        guard case .connection(let arrival) = socket.receive(into: buffer) else { return #expect(Bool(false)) }
        #expect(arrival.bytes == bytes && arrival.readAt == 7)
        shutdown(direction == Int32(SHUT_RD) ? socket.receiver : socket.sender, direction)
        #expect(socket.receive(into: buffer) == .ended)
        #expect(!socket.hasWaiting)
        for descriptor in pair + [arrival.connection, socket.sender, socket.receiver] { close(descriptor) }
    }

    @Test func everyPlaceHasANumberOfItsOwn() {
        for place in [PairPlace.slot(0), .slot(1023), .quarantine, .returns] {
            #expect(PairPlace(number: place.number) == place)
            #expect(place.number != .max)
        }
    }
}
