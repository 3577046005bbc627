// A webhook secret in memory, which no description, dump or mirror shows, and the places it may come from.

/// A secret that signatures are checked with.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where it came from, such as `env:SINCH_SECRET`; never the value.
    public let label: String
    /// The second since 1970 (UTC) from which on it is no longer accepted; nil where it has no end.
    public let endsAtSeconds: Int64?

    private let bytes: [UInt8]

    /// A secret that came from where `label` says.
    public init(_ bytes: [UInt8], label: String, endsAtSeconds: Int64? = nil) {
        (self.bytes, self.label, self.endsAtSeconds) = (bytes, label, endsAtSeconds)
    }

    /// Lends the value. It must not be kept, printed or put into an error.
    public func withBytes<Result, Failure: Error>(
        _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes)
    }

    /// Whether it is accepted at `seconds` since 1970 (UTC).
    public func isValid(atSeconds seconds: Int64) -> Bool {
        endsAtSeconds.map { seconds < $0 } ?? true
    }

    /// Where it came from and when it ends.
    public var description: String {
        escapingControls(label) + (endsAtSeconds.map { " until \(UTCTimestamp.text(ofSeconds: $0))" } ?? "")
    }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// A mirror without the value.
    public var customMirror: Mirror {
        Mirror(self, children: ["label": label, "endsAtSeconds": endsAtSeconds as Any], displayStyle: .struct)
    }
}

/// Where a secret comes from. A secret itself never stands in the configuration.
enum SecretSource: Hashable {
    /// An environment variable.
    case environment(name: String)
    /// A file, by its path as written and as resolved.
    case file(path: String, resolved: String)
    /// A file in the directory that systemd names in `$CREDENTIALS_DIRECTORY`.
    case credential(name: String)

    /// The most bytes of a secret: far more than a key of HMAC-SHA256 has use for.
    static let limitBytes = 4096

    var label: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path, _): "file:\(path)"
        case .credential(let name): "credential:\(name)"
        }
    }

    /// The file that it is in; nil where it is in none, or nobody says in which.
    func path(environment: [String: String]) -> String? {
        switch self {
        case .environment: nil
        case .file(_, let resolved): resolved
        case .credential(let name):
            environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 + "/" + name }
        }
    }

    /// Fetches the value.
    ///
    /// - Parameter limitBytes: the most bytes it may have.
    func read(
        environment: [String: String], limitBytes: Int = Self.limitBytes
    ) throws(SecretError) -> (bytes: [UInt8], isReadableByOthers: Bool) {
        switch self {
        case .environment(let name):
            guard let value = environment[name] else { throw .init("no environment variable \(shownVariable(name))") }
            let name = shownVariable(name)
            guard !value.utf8.isEmpty else { throw .init("an empty environment variable \(name)") }
            // Foundation puts this character where a variable is not UTF-8: the value would be another one.
            guard !value.unicodeScalars.contains("\u{FFFD}") else {
                throw .init("an environment variable \(name) that is not UTF-8")
            }
            let bytes = Array(value.utf8)
            return (try Self.checked(bytes, limitBytes, name: "environment variable \(name)"), false)
        case .file(_, let resolved):
            return try Self.read(file: resolved, limitBytes)
        case .credential(let name):
            guard let path = path(environment: environment) else {
                throw .init(
                    "credential \(quoted(name)), but $CREDENTIALS_DIRECTORY is not set (systemd sets it "
                        + "for a unit with LoadCredential=)")
            }
            return try Self.read(file: path, limitBytes)
        }
    }

    private static func read(
        file path: String, _ limitBytes: Int
    ) throws(SecretError) -> (bytes: [UInt8], isReadableByOthers: Bool) {
        let file: SmallFile
        do throws(SmallFileError) {
            // Two bytes more for a newline, which is not part of the secret.
            file = try SmallFile(path: path, limitBytes: limitBytes + 2)
        } catch {
            throw .init("file \(quoted(path)), which \(error.reason)")
        }
        guard !file.bytes.isEmpty else { throw .init("file \(quoted(path)), which is empty") }
        var bytes = file.bytes
        // Editors end a line, and the line's end is not part of the secret. One, for the secret may end in one.
        if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        return (try checked(bytes, limitBytes, name: "file \(quoted(path))"), file.isReadableByOthers)
    }

    private static func checked(_ bytes: [UInt8], _ limitBytes: Int, name: String) throws(SecretError) -> [UInt8] {
        guard bytes.contains(where: { !isWhiteSpace($0) }) else {
            throw .init("\(name), which holds nothing but white space")
        }
        guard bytes.count <= limitBytes else { throw .init("\(name), which has more than \(limitBytes) bytes") }
        return bytes
    }
}

/// The name of an environment variable, as it may be shown. Names are in upper case by custom: what is not could be a
/// secret, written in place of a name.
func shownVariable(_ name: String) -> String {
    name == name.uppercased() ? name : "of that name (not shown)"
}

/// Why a secret could not be had. Never holds its value.
struct SecretError: Error, Equatable {
    /// Completes "found …".
    let found: String

    init(_ found: String) {
        self.found = found
    }
}

/// White space of ASCII.
func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
}
