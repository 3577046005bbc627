// The path of an endpoint: written in the one form that requests are compared in.

/// What is wrong with a path as the key of an endpoint. `expected` completes "expected …".
enum EndpointPathError: Error, Equatable {
    case noSlash
    case queryOrFragment
    case badCharacter
    case badPercent
    case needlessPercent
    case dotSegment
    case tooLong

    var expected: String {
        switch self {
        case .noSlash: "a path that begins with a slash, such as \"/callbacks\""
        case .queryOrFragment: "a path without query (?) and fragment (#): requests are matched by path alone"
        case .badCharacter: "letters, digits, / - . _ ~ and the signs ! $ & ' ( ) * + , ; = : @, others percent-encoded"
        case .badPercent: "two hexadecimal digits after each %"
        case .needlessPercent: "letters, digits, - . _ ~ written as they are, not percent-encoded"
        case .dotSegment: "a path without the segments . and .., which clients resolve before they send"
        case .tooLong: "a path of at most \(endpointPathLimitBytes) bytes"
        }
    }
}

/// The longest path of an endpoint.
let endpointPathLimitBytes = 512

/// Checks that `path` is written as a request's path is after percent-decoding of unreserved characters
/// (RFC 3986 §2.3, §3.3): any other form would never be matched, or be matched by surprise.
func checkEndpointPath(_ path: String) throws(EndpointPathError) {
    let bytes = Array(path.utf8)
    guard bytes.first == UInt8(ascii: "/") else { throw .noSlash }
    guard bytes.count <= endpointPathLimitBytes else { throw .tooLong }
    guard !path.contains("?"), !path.contains("#") else { throw .queryOrFragment }
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, let high = hexadecimal(bytes[index + 1]),
                let low = hexadecimal(bytes[index + 2])
            else { throw .badPercent }
            guard !isUnreserved(high << 4 | low) else { throw .needlessPercent }
            index += 3
        } else {
            guard isUnreserved(bytes[index]) || pathSigns.contains(bytes[index]) else { throw .badCharacter }
            index += 1
        }
    }
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !segments.contains("."), !segments.contains("..") else { throw .dotSegment }
}

/// `path` in the one form that paths of the same meaning have: `%2f` is `%2F` (RFC 3986 §6.2.2.1).
func comparablePath(_ path: String) -> String {
    var digits = 0
    var bytes: [UInt8] = []
    for byte in path.utf8 {
        let isLower = (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        bytes.append(digits > 0 && isLower ? byte - 0x20 : byte)
        digits = byte == UInt8(ascii: "%") ? 2 : max(0, digits - 1)
    }
    return String(decoding: bytes, as: UTF8.self)
}

private let pathSigns = Array("/!$&'()*+,;=:@".utf8)

private func isUnreserved(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "-._~".utf8.contains(byte)
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
}
