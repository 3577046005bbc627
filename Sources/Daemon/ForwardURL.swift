// The address that a forward sink sends to, and what of it may be shown.

import Server

/// An `http` or `https` URL (RFC 3986) in the form that every library reads in the same way.
public struct ForwardURL: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The whole URL. Its query may hold a token that the receiver asks for: `description` is for showing.
    public let text: String

    /// The URL without its query.
    public var description: String { Self.withoutQuery(text) }

    /// A mirror without the query.
    public var customMirror: Mirror { Mirror(self, children: ["url": description], displayStyle: .struct) }

    /// Reads a URL.
    ///
    /// - Throws: what is wrong with it.
    public init(text: String) throws(ForwardURLError) {
        guard text.utf8.count <= 2048 else { throw .tooLong }
        // Only what RFC 3986 §2 allows: a space or a letter outside ASCII means something else to each library.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !Self.forbidden.contains($0) }) else {
            throw .badCharacter
        }
        guard let separator = text.firstRange(of: "://"),
            ["http", "https"].contains(text[..<separator.lowerBound].lowercased())
        else { throw .badScheme }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !["/", "?", "#"].contains($0) }
        guard !authority.contains("@") else { throw .userInformation }
        guard !rest.contains("#") else { throw .fragment }
        // The same rules as for an address to listen on, with a port that may be missing.
        let isBare = authority.hasSuffix("]") || !authority.contains(":")
        guard case .tcp(_, let port)? = try? ListenAddress(text: isBare ? "\(authority):80" : String(authority)),
            port > 0
        else { throw .badHost }
        self.text = text
    }

    /// Stands where there is none while the rest of a configuration is looked at.
    static let nowhere = ForwardURL(checked: "http://nowhere.invalid/")

    private init(checked text: String) { self.text = text }

    /// Whether it is https.
    public var isSecure: Bool { text.lowercased().hasPrefix("https:") }

    private static let forbidden = Array("\"<>\\^`{|}".utf8)

    /// What of a text that was given as a URL may stand in an error: no query, and no name or password.
    static func shown(_ text: String) -> String {
        // Scalars, not characters: an accent behind a sign makes another character of it.
        guard !text.unicodeScalars.contains("@") else { return "a URL with a user name or password (not shown)" }
        return quoted(shortened(withoutQuery(text)))
    }

    private static func withoutQuery(_ text: String) -> String {
        guard let end = text.unicodeScalars.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return text }
        return text[..<end] + "?…"
    }
}

/// What is wrong with a URL. `expected` completes "expected …".
public enum ForwardURLError: Error, Equatable, Sendable {
    /// A scheme other than http and https, or none.
    case badScheme
    /// A character that must be percent-encoded.
    case badCharacter
    /// No host, one that is neither name nor address, or a bad port.
    case badHost
    /// A user name or password, which would show up wherever the URL does.
    case userInformation
    /// A part after `#`, which is never sent.
    case fragment
    /// More than 2048 bytes.
    case tooLong

    /// What should be there instead.
    public var expected: String {
        switch self {
        case .badScheme: "an http or https URL"
        case .badCharacter: "a URL with spaces, quotes and letters outside ASCII percent-encoded"
        case .badHost: "an http or https URL with a host name or address, and a port from 1 to 65535 if any"
        case .userInformation: "a URL without a user name or password"
        case .fragment: "a URL without a fragment (#), which is never sent"
        case .tooLong: "a URL of at most 2048 bytes"
        }
    }
}
