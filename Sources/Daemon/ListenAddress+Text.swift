// Where the daemon listens, as `listen` in the configuration says it.

import Glibc
import Server

extension ListenAddress {
    /// The longest path of a Unix socket in bytes: `sun_path` holds 108 with the NUL at its end (unix(7)).
    public static let unixPathLimitBytes = 107

    /// Reads an address as the configuration writes it.
    ///
    /// - Throws: what is wrong with it.
    public init(text: String) throws(ListenAddressError) {
        if text == "systemd" || text.hasPrefix("systemd:") {
            self = .systemd(name: try Self.descriptorName(String(text.dropFirst(7))))
            return
        }
        if text.hasPrefix("unix:") {
            self = .unix(path: try Self.unixPath(String(text.dropFirst(5))))
            return
        }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { throw .noPort }
        let portText = text.utf8[text.utf8.index(after: colon)...]
        guard !portText.isEmpty, portText.count <= 5,
            portText.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(String(Substring(portText)))
        else { throw .badPort }
        self = .tcp(host: try Self.host(String(text[..<colon])), port: port)
    }

    private static func unixPath(_ path: String) throws(ListenAddressError) -> String {
        guard path.hasPrefix("/"), !path.hasSuffix("/") else { throw .relativeUnixPath }
        guard path.utf8.count <= unixPathLimitBytes else { throw .longUnixPath(bytes: path.utf8.count) }
        return path
    }

    /// What stands behind `systemd`, by the rules of `FileDescriptorName=` (systemd.socket(5)); nil for nothing.
    private static func descriptorName(_ text: String) throws(ListenAddressError) -> String? {
        if text.isEmpty { return nil }
        let name = text.dropFirst()
        guard !name.isEmpty, name.utf8.count <= 255, name.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), !name.contains(":")
        else { throw .badDescriptorName }
        return String(name)
    }

    private static func host(_ text: String) throws(ListenAddressError) -> String {
        if text.isEmpty || text == "*" { throw .noHost }
        if text.hasPrefix("["), text.hasSuffix("]") {
            let address = String(text.dropFirst().dropLast())
            var parsed = in6_addr()
            guard inet_pton(AF_INET6, address, &parsed) == 1 else { throw .badHost }
            return address
        }
        if text.contains(":") { throw .noBrackets }
        guard isHostName(text) else { throw .badHost }
        return text
    }
}

/// Whether `text` is an IPv4 address or a host name (RFC 1123 §2.1). What looks like an address must be one:
/// `127.1` and `010.0.0.1` mean different machines to different libraries.
func isHostName(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 253 else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    let areLabels = labels.allSatisfy { label in
        !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
    guard areLabels, let last = labels.last else { return false }
    guard last.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) || last.hasPrefix("0x") else {
        return true
    }
    var parsed = in_addr()
    return inet_pton(AF_INET, text, &parsed) == 1
}

/// A letter or digit of ASCII.
func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default: false
    }
}

/// What is wrong with an address to listen on. `expected` completes "expected …".
public enum ListenAddressError: Error, Equatable, Sendable {
    /// No colon with a port behind it.
    case noPort
    /// A port that is no number from 0 to 65535.
    case badPort
    /// Nothing, or a star, for a host.
    case noHost
    /// Neither an address nor a host name.
    case badHost
    /// An IPv6 address without brackets around it.
    case noBrackets
    /// A Unix socket whose path is not absolute, or names a directory.
    case relativeUnixPath
    /// A Unix socket whose path does not fit into the kernel's structure. It is never cut to fit.
    case longUnixPath(bytes: Int)
    /// A name of sockets that systemd would not take.
    case badDescriptorName

    /// What should be there instead.
    public var expected: String {
        switch self {
        case .noPort: "host:port, [v6]:port, unix:/path or systemd:NAME, such as \"127.0.0.1:8080\""
        case .badPort: "a port from 0 to 65535 after the last colon, such as \"127.0.0.1:8080\""
        case .noHost:
            "an address to listen on, such as \"127.0.0.1:8080\"; \"0.0.0.0:8080\" for all of IPv4, "
                + "\"[::]:8080\" for all of IPv6"
        case .badHost: "an IPv4 address, an IPv6 address in brackets or a host name before the port"
        case .noBrackets: "brackets around an IPv6 address, such as \"[::1]:8080\""
        case .relativeUnixPath: "an absolute path of a socket, such as \"unix:/run/hookd/hookd.sock\""
        case .longUnixPath(let bytes):
            "a path of at most \(ListenAddress.unixPathLimitBytes) bytes after \"unix:\" (this one has \(bytes))"
        case .badDescriptorName:
            "the FileDescriptorName= of a socket unit after \"systemd:\", or \"systemd\" for all that are handed over"
        }
    }
}
