// What goes through a TLS connection, whole, however it is cut; and what must not do any harm.

import CTLSClient
import TestAuthority
import Testing

@testable import Server

@Suite("A TLS connection") struct TLSTransferTests {
    let context: TLSContext

    init() throws {
        context = try TLSContext(TLSSettings(identities: [try Issued("first").identity()]))
    }

    /// Bytes in which none can be missing or doubled unnoticed.
    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test("carries bytes of every amount, whole", arguments: [1, 100, 16_383, 16_384, 16_385, 1 << 20])
    func amounts(_ count: Int) throws {
        for versions in TLSHandshakeTests.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions)).run()
            let bytes = Self.bytes(count)
            link.say(bytes)
            link.run()
            // Not ==: what differs in two megabytes would be looked for until tomorrow.
            #expect(link.received.elementsEqual(bytes))
            #expect(link.answer(bytes))
            link.run()
            #expect(link.receivedByClient().elementsEqual(bytes))
            #expect(link.progress == .needsMore)
        }
    }

    @Test("carries them however they are cut", arguments: [1, 2, 5, 7, 1000]) func pieces(_ piece: Int) throws {
        for versions in TLSHandshakeTests.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions)).run(piece: piece)
            #expect(link.clientIsReady)
            for number in 0..<3 {
                link.say(Self.bytes(300 + number))
                link.run(piece: piece)
                #expect(link.answer(Self.bytes(200 + number)))
                link.run(piece: piece)
                #expect(link.receivedByClient() == Self.bytes(200 + number))
            }
            #expect(link.received == (0..<3).flatMap { Self.bytes(300 + $0) })
        }
    }

    @Test("takes plaintext into a place that is smaller than a record") func smallPlace() throws {
        let link = try TLSLink(context).run()
        link.say(Self.bytes(5000))
        var scratch = [UInt8](repeating: 0, count: 7)
        var output: [UInt8] = []
        var received: [UInt8] = []
        link.sentByClient().withUnsafeBytes { bytes in
            var rest = bytes
            while case .plaintext(let count) = scratch.withUnsafeMutableBytes({
                link.server.receive(&rest, into: $0, output: &output)
            }) { received += scratch[..<count] }
        }
        #expect(received == Self.bytes(5000))
    }

    @Test("may send while there is more to receive") func answersInBetween() throws {
        let link = try TLSLink(context).run()
        for number in 0..<3 { link.say(Self.bytes(10 + number)) }
        var scratch = [UInt8](repeating: 0, count: 16 << 10)
        var counts: [Int] = []
        link.sentByClient().withUnsafeBytes { bytes in
            var rest = bytes
            var output: [UInt8] = []
            while case .plaintext(let count) = scratch.withUnsafeMutableBytes({
                link.server.receive(&rest, into: $0, output: &output)
            }) {
                counts.append(count)
                #expect(link.answer(Array(scratch[..<count])))
            }
        }
        link.run()
        #expect(counts == [10, 11, 12])
        #expect(link.receivedByClient() == (0..<3).flatMap { Self.bytes(10 + $0) })
    }

    @Test("tells the end, and hears of it (close_notify)") func ends() throws {
        for versions in TLSHandshakeTests.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions)).run()
            link.say(Array("last".utf8))
            link.closeClient()
            link.run()
            #expect(link.received == Array("last".utf8) && link.progress == .closedByPeer)
            #expect(link.answer(Array("answer".utf8)), "the client may still read")
            link.closeServer()
            link.run()
            #expect(link.clientProgress == CTLS_CLOSED)
            #expect(link.receivedByClient() == Array("answer".utf8))
            link.give([1, 2, 3])
            #expect(link.progress == .closedByPeer, "what comes behind the end counts for nothing")
        }
    }

    @Test("says nothing at the end of a handshake that is not over") func endsEarly() throws {
        let link = try TLSLink(context)
        link.closeServer()
        link.give(Array(link.sentByClient().prefix(20)))
        link.closeServer()
        #expect(link.sentByServer == [])
        #expect(link.progress == .needsMore)
    }

    @Test("refuses another handshake, and goes on") func renegotiation() throws {
        let link = try TLSLink(context, ClientOptions(versions: 0x0303...0x0303)).run()
        link.renegotiate()
        link.give(link.sentByClient())
        #expect(link.progress == .needsMore && !link.server.isHandshaking)
        #expect(link.answer(Array("answer".utf8)))
        link.run()
        #expect(link.clientError == "no renegotiation", "this client gives up")
        #expect(link.receivedByClient() == [])
    }

    @Test("follows a change of keys") func keyUpdate() throws {
        let link = try TLSLink(context).run()
        for number in 0..<3 {
            link.renegotiate()
            link.say(Self.bytes(20 + number))
            link.run()
            #expect(link.answer(Self.bytes(30 + number)))
            link.run()
            #expect(link.receivedByClient() == Self.bytes(30 + number))
        }
        #expect(link.received == (0..<3).flatMap { Self.bytes(20 + $0) })
    }

    @Test("ends with a client that changes keys without end, before what it must be told fills the memory")
    func keyUpdatesWithoutEnd() throws {
        let link = try TLSLink(context).run()
        let handshakeBytes = link.sentByServer.count
        for _ in 0..<30 { link.renegotiate() }
        link.give(link.sentByClient())
        #expect(link.failure == nil, "far more than an honest client does")
        for _ in 0..<1000 { link.renegotiate() }
        link.give(link.sentByClient())
        #expect(link.failure?.kind == .broken)
        #expect(link.failure?.text.contains("new keys, again and again") == true)
        #expect(link.sentByServer.count - handshakeBytes < 2000)
        #expect(!link.answer([1]))
    }

    @Test("fails at one wrong byte of a record") func tampered() throws {
        for versions in TLSHandshakeTests.versions.map(\.0) {
            let link = try TLSLink(context, ClientOptions(versions: versions)).run()
            link.say(Array("question".utf8))
            var bytes = link.sentByClient()
            bytes[bytes.count - 3] ^= 1
            link.give(bytes)
            #expect(link.failure?.kind == .broken)
            #expect(link.received == [])
        }
    }
}

@Suite("No bytes do harm") struct TLSGarbageTests {
    let context: TLSContext
    let seed = UInt64.random(in: 1 ... .max)

    init() throws {
        context = try TLSContext(TLSSettings(identities: [try Issued("first", names: "DNS:a.example").identity()]))
    }

    @Test("that are random") func random() throws {
        var random = Random(seed: seed)
        for _ in 0..<2000 {
            let link = try TLSLink(context)
            var bytes = random.bytes(Int(random.next() % 600))
            // Most garbage is told by its first bytes; with these it is read further.
            if random.next() % 2 == 0 { bytes = [22, 3, UInt8(random.next() % 5)] + bytes.dropFirst(3) }
            link.give(bytes)
            #expect(link.received == [], "seed \(seed)")
            #expect(link.server.isHandshaking, "seed \(seed)")
        }
    }

    @Test("that are a handshake and its data, changed or cut") func mutated() throws {
        var random = Random(seed: seed)
        var whole = 0
        for round in 0..<2000 {
            let versions: ClosedRange<Int32> = round % 2 == 0 ? 0x0303...0x0303 : 0x0303...0x0304
            let options = ClientOptions(versions: versions, serverName: "a.example", protocols: ["http/1.1"])
            let link = try TLSLink(context, options)
            // In which flight something happens: ClientHello, the client's last of the handshake, data.
            let target = Int(random.next() % 3)
            for flight in 0..<3 {
                if flight == 2, link.clientIsReady { link.say(Array("a request".utf8)) }
                var bytes = link.sentByClient()
                if flight == target, !bytes.isEmpty { bytes = random.spoil(bytes) }
                link.give(bytes)
                link.run()
            }
            if link.received == Array("a request".utf8) { whole += 1 }
            #expect(link.received.isEmpty || link.received == Array("a request".utf8), "seed \(seed)")
            link.closeServer()
        }
        #expect((1..<2000).contains(whole), "some were spoilt, and not all; seed \(seed)")
    }
}

/// Random numbers that a seed repeats (SplitMix64).
private struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Changes, cuts, doubles or fills up `bytes`.
    mutating func spoil(_ bytes: [UInt8]) -> [UInt8] {
        let place = Int(next() % UInt64(bytes.count))
        var bytes = bytes
        switch next() % 5 {
        case 0: bytes[place] ^= UInt8(1) << UInt8(next() % 8)
        case 1: bytes.removeLast(bytes.count - place)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(contentsOf: self.bytes(1 + Int(next() % 8)), at: place)
        default: bytes += bytes
        }
        return bytes
    }
}
