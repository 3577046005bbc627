// The address of the client that a callback came from, as text.

import Glibc

/// An address and its text, both kept until another address comes.
struct ClientAddress {
    /// 4 or 16 bytes in network order, or none.
    private var bytes: [UInt8] = []
    /// As RFC 5952 writes it; empty where there is no address.
    private(set) var text: [UInt8] = []

    /// Takes an address of 4 or 16 bytes in network order; any other number of bytes is no address.
    mutating func set(_ address: Span<UInt8>) {
        guard !isEqual(address) else { return }
        bytes.removeAll(keepingCapacity: true)
        append(address, to: &bytes)
        text.removeAll(keepingCapacity: true)
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard address.count == 4 || address.count == 16 else { return }
        text.append(addingCapacity: Int(INET6_ADDRSTRLEN)) { output in
            unsafe output.withUnsafeMutableBufferPointer { room, count in
                guard let start = room.baseAddress else { return }
                let isWritten = unsafe start.withMemoryRebound(to: CChar.self, capacity: room.count) { start in
                    unsafe inet_ntop(family, bytes, start, socklen_t(room.count)) != nil
                }
                count = isWritten ? unsafe strnlen(start, room.count) : 0
            }
        }
    }

    private func isEqual(_ address: Span<UInt8>) -> Bool {
        guard address.count == bytes.count else { return false }
        for index in address.indices where address[index] != bytes[index] { return false }
        return true
    }
}
