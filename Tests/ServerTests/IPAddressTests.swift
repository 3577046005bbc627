// Addresses and networks: what is one, which are the same, and which network holds which address.

import Glibc
import Testing

@testable import Server

/// A socket address of the kernel's, as accept(2) would give it.
func socketAddress(v4 text: String, port: UInt16) -> sockaddr_storage {
    var storage = sockaddr_storage()
    var v4 = sockaddr_in()
    v4.sin_family = sa_family_t(AF_INET)
    v4.sin_port = port.bigEndian
    inet_pton(AF_INET, text, &v4.sin_addr)
    withUnsafeMutableBytes(of: &storage) { out in withUnsafeBytes(of: v4) { out.copyMemory(from: $0) } }
    return storage
}

func socketAddress(v6 text: String, port: UInt16, scope: UInt32 = 0) -> sockaddr_storage {
    var storage = sockaddr_storage()
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    v6.sin6_port = port.bigEndian
    v6.sin6_scope_id = scope
    inet_pton(AF_INET6, text, &v6.sin6_addr)
    withUnsafeMutableBytes(of: &storage) { out in withUnsafeBytes(of: v6) { out.copyMemory(from: $0) } }
    return storage
}

@Suite("An IP address") struct IPAddressTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String, description: String?, why: String
        var testDescription: String { "\(why): \(text.debugDescription)" }
        init(_ text: String, _ description: String?, _ why: String) {
            (self.text, self.description, self.why) = (text, description, why)
        }
    }

    static let cases: [Case] = [
        .init("192.0.2.1", "192.0.2.1", "IPv4"),
        .init("0.0.0.0", "0.0.0.0", "all zeros"),
        .init("255.255.255.255", "255.255.255.255", "all ones"),
        .init("2001:db8::1", "2001:db8::1", "IPv6"),
        .init("2001:0DB8:0:0:0:0:0:1", "2001:db8::1", "RFC 5952: lower case, no zeros in front, shortened"),
        .init("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "RFC 5952: one group of zeros is not shortened"),
        .init("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "RFC 5952: the first of two equal runs"),
        .init("::", "::", "all zeros of IPv6 are not those of IPv4"),
        .init("::ffff:192.0.2.1", "192.0.2.1", "v4-mapped"),
        .init("::ffff:c000:201", "192.0.2.1", "v4-mapped, in hexadecimal digits"),
        .init("::fffe:192.0.2.1", "::fffe:c000:201", "one bit less is not v4-mapped"),
        .init("64:ff9b::192.0.2.1", "64:ff9b::c000:201", "nor is a NAT64 address"),
        .init("", nil, "nothing"),
        .init("192.0.2", nil, "three numbers"),
        .init("192.0.2.256", nil, "a number beyond a byte"),
        .init("192.0.2.01", nil, "a zero in front: octal for some"),
        .init("0xc0.0.2.1", nil, "hexadecimal"),
        .init("3221225985", nil, "one number, which inet_aton(3) takes"),
        .init(" 192.0.2.1", nil, "a blank before it"),
        .init("192.0.2.1 ", nil, "a blank behind it"),
        .init("192.0.2.1\0", nil, "a NUL behind it"),
        .init("192.0.2.1\0.evil", nil, "a NUL that would hide the rest"),
        .init("[::1]", nil, "brackets"),
        .init("fe80::1%eth0", nil, "a scope"),
        .init("1::2::3", nil, "shortened twice"),
        .init(":::", nil, "three colons"),
        .init("2001:db8::1:2:3:4:5:6:7", nil, "nine groups"),
        .init("12345::", nil, "five digits in a group"),
        .init(String(repeating: "0", count: 60) + "::1", nil, "longer than any address"),
    ]

    @Test("is read or refused, and told as RFC 5952 says", arguments: cases) func text(_ c: Case) throws {
        let address = IPAddress(text: c.text)
        #expect(address?.description == c.description)
        guard let address else { return }
        #expect(IPAddress(text: address.description) == address)
        #expect(address.withBytes { IPAddress(bytes: $0) } == address)
        #expect(address.withBytes { $0.count } == (address.isIPv4 ? 4 : 16))
    }

    @Test("has its bytes in network order") func bytes() throws {
        #expect(try #require(IPAddress(text: "192.0.2.1")).withBytes(Array.init) == [192, 0, 2, 1])
        let v6 = try #require(IPAddress(text: "2001:db8::ff")).withBytes(Array.init)
        #expect(v6 == [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff])
        for count in [0, 3, 5, 15, 17] {
            #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { IPAddress(bytes: $0) } == nil)
        }
    }

    @Test("comes from a socket address; a v4-mapped one is the IPv4 address") func sockets() throws {
        let v4 = ClientAddress(socketAddress(v4: "192.0.2.1", port: 4711))
        #expect(v4.description == "192.0.2.1:4711")
        #expect(ClientAddress(socketAddress(v6: "::ffff:192.0.2.1", port: 4711)) == v4)
        #expect(ClientAddress(socketAddress(v6: "2001:db8::1", port: 4711)).description == "[2001:db8::1]:4711")
        let linkLocal = ClientAddress(socketAddress(v6: "fe80::1", port: 1, scope: 3))
        #expect(linkLocal.ip == IPAddress(text: "fe80::1"))
        var unix = sockaddr_storage()
        unix.ss_family = sa_family_t(AF_UNIX)
        #expect(ClientAddress(unix) == .unix)
        #expect(ClientAddress(sockaddr_storage()) == .unknown)
        #expect(ClientAddress(sockaddr_storage()) == .unknown)
        #expect("\(ClientAddress.unix) \(ClientAddress.unknown)" == "unix unknown")
        #expect(ClientAddress.ip(try #require(IPAddress(text: "::1")), port: 0).description == "::1")
    }

    @Test(
        "is counted by itself, or by its /64",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("2001:db8:1:2::", "2001:db8:1:2::"), ("::1", "::"),
        ])
    func limitKey(_ text: String, _ key: String) {
        #expect(IPAddress(text: text)?.limitKey == IPAddress(text: key))
    }
}

@Suite("A network") struct NetworkPrefixTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let network: String, address: String, contains: Bool, why: String
        var testDescription: String { "\(why): \(address) in \(network)" }
        init(_ network: String, _ address: String, _ contains: Bool, _ why: String) {
            (self.network, self.address, self.contains, self.why) = (network, address, contains, why)
        }
    }

    static let cases: [Case] = [
        .init("192.0.2.0/24", "192.0.2.255", true, "the last address"),
        .init("192.0.2.0/24", "192.0.3.0", false, "the next"),
        .init("192.0.2.0/24", "192.0.1.255", false, "the one before"),
        .init("192.0.2.128/25", "192.0.2.127", false, "half of a byte's"),
        .init("10.0.0.0/9", "10.127.255.255", true, "no whole bytes"),
        .init("10.0.0.0/9", "10.128.0.0", false, "no whole bytes"),
        .init("0.0.0.0/0", "203.0.113.9", true, "all of IPv4"),
        .init("0.0.0.0/0", "2001:db8::1", false, "and nothing of IPv6"),
        .init("2001:db8::/32", "2001:db8:ffff::1", true, "within"),
        .init("2001:db8::/32", "2001:db9::", false, "the next"),
        .init("2001:db8::/33", "2001:db8:8000::", false, "no whole bytes"),
        .init("::/0", "2001:db8::1", true, "all of IPv6"),
        .init("c000:200::/24", "192.0.2.1", false, "the same bits in another family"),
        .init("192.0.2.0/24", "c000:200::", false, "the same bits in another family"),
    ]

    /// B27: an allow list is never wider than it is written.
    static let notWider: [Case] = [
        .init("2001:db8::1", "2001:db8::1", true, "B27: a bare IPv6 address is itself"),
        .init("2001:db8::1", "2001:db8::2", false, "B27: and not its neighbour, as it would be as a /32 or a /127"),
        .init("2001:db8::1", "2001:db8:ffff::1", false, "B27: a bare IPv6 address is a /128 and no /32"),
        .init("2001:db8::1/128", "2001:db8::1", true, "B27: the same, written out"),
        .init("192.0.2.1", "192.0.2.1", true, "B27: a bare IPv4 address is itself"),
        .init("192.0.2.1", "192.0.2.0", false, "B27: and not its neighbour"),
        .init("10.0.0.0/8", "::ffff:10.1.2.3", true, "B27: a v4-mapped client is an IPv4 client"),
        .init("10.0.0.0/8", "::ffff:11.1.2.3", false, "B27: and no other"),
        .init("::ffff:10.0.0.0/104", "10.1.2.3", true, "B27: a v4-mapped network is one of IPv4"),
        .init("::ffff:10.0.0.0/104", "11.0.0.0", false, "B27: and as wide as it is written"),
        .init("::ffff:10.1.2.3", "10.1.2.3", true, "B27: a bare v4-mapped address is itself"),
        .init("::ffff:10.1.2.3", "10.1.2.2", false, "B27: and a /32, not a /0"),
        .init("::ffff:0.0.0.0/96", "203.0.113.9", true, "B27: all of IPv4, where it is written"),
        .init("::/0", "192.0.2.1", false, "B27: all of IPv6 is not all of IPv4"),
        .init("::/0", "::ffff:192.0.2.1", false, "B27: nor by a dual-stack socket"),
        .init("::/80", "::ffff:192.0.2.1", false, "B27: nor a network around them"),
    ]

    @Test("holds an address or does not", arguments: cases + notWider) func contains(_ c: Case) throws {
        let address = try #require(IPAddress(text: c.address))
        #expect(try NetworkPrefix(text: c.network).contains(address) == c.contains)
    }

    struct Text: CustomTestStringConvertible, Sendable {
        let text: String, expected: Result<String, NetworkPrefixError>, why: String
        var testDescription: String { "\(why): \(text.debugDescription)" }
        init(_ text: String, _ expected: Result<String, NetworkPrefixError>, _ why: String) {
            (self.text, self.expected, self.why) = (text, expected, why)
        }
    }

    static func hostBits(_ network: String) throws -> Result<String, NetworkPrefixError> {
        .failure(.hostBits(network: try NetworkPrefix(text: network)))
    }

    static func texts() throws -> [Text] {
        [
            .init("192.0.2.0/24", .success("192.0.2.0/24"), "a network"),
            .init("192.0.2.1/32", .success("192.0.2.1"), "one address"),
            .init("2001:DB8:0::/32", .success("2001:db8::/32"), "in another form"),
            .init("::ffff:10.0.0.0/104", .success("10.0.0.0/8"), "v4-mapped"),
            .init("192.0.2.1/24", try hostBits("192.0.2.0/24"), "the number of bits, or the address, is wrong"),
            .init("2001:db8::1/32", try hostBits("2001:db8::/32"), "the same of IPv6"),
            .init("::ffff:10.1.0.0/104", try hostBits("10.0.0.0/8"), "the same of v4-mapped"),
            .init("::ffff:10.0.0.0/8", try hostBits("::/8"), "8 bits of an IPv6 address are not those of IPv4"),
            .init("::ffff:0.0.0.0/84", try hostBits("::f000:0:0/84"), "some of the bits that say v4-mapped"),
            .init("192.0.2.0/33", .failure(.badLength(most: 32)), "more bits than there are"),
            .init("2001:db8::/129", .failure(.badLength(most: 128)), "more bits than there are"),
            .init("192.0.2.0/", .failure(.badLength(most: 32)), "no number"),
            .init("192.0.2.0/-1", .failure(.badLength(most: 32)), "a sign"),
            .init("192.0.2.0/+8", .failure(.badLength(most: 32)), "a sign, which Int(_:) would take"),
            .init("192.0.2.0/024", .failure(.badLength(most: 32)), "a zero in front"),
            .init("192.0.2.0/24/8", .failure(.badLength(most: 32)), "two slashes"),
            .init("192.0.2.0/255.255.255.0", .failure(.badLength(most: 32)), "a mask"),
            .init("192.0.2.0/٢٤", .failure(.badLength(most: 32)), "digits of another script"),
            .init("", .failure(.badAddress), "nothing"),
            .init("/8", .failure(.badAddress), "no address"),
            .init("localhost", .failure(.badAddress), "a name"),
            .init("unix", .failure(.badAddress), "no network"),
            .init("192.0.2.0 /24", .failure(.badAddress), "a blank"),
        ]
    }

    @Test("is read or refused") func reads() throws {
        for c in try Self.texts() {
            let result = Result { () throws(NetworkPrefixError) in try NetworkPrefix(text: c.text).description }
            #expect(result == c.expected, "\(c.testDescription)")
        }
    }

    @Test("that is not one is told what it should be") func hint() throws {
        #expect(
            NetworkPrefixError.hostBits(network: try NetworkPrefix(text: "10.0.0.0/8")).expected
                == #"the network itself, "10.0.0.0/8", or one address without a slash"#)
    }

    @Test("on a list: addresses, and unix as well if it is there") func list() throws {
        var list = AddressList()
        let client = ClientAddress(socketAddress(v4: "10.1.2.3", port: 4))
        #expect(list.isEmpty && !list.contains(client) && !list.contains(.unix))
        #expect(try list.insert(text: "10.0.0.0/8"))
        #expect(try !list.insert(text: "::ffff:10.0.0.0/104"), "the same a second time")
        #expect(list.contains(client) && !list.contains(.unix) && !list.contains(.unknown))
        #expect(try list.insert(text: "unix"))
        #expect(try !list.insert(text: "unix"))
        #expect(list.contains(.unix) && !list.contains(.unknown))
        #expect(!list.contains(ClientAddress(socketAddress(v6: "2001:db8::1", port: 4))))
        #expect(list.description == "10.0.0.0/8, unix")
    }
}
