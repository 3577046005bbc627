// JSON through libsimdjson: the only file that imports the shim.

import CSimdJSON

/// A value in the text that a `JSONText` parsed last.
struct JSONToken: Equatable {
    fileprivate let number: UInt32

    /// The value that is the whole text.
    static let root = JSONToken(number: 0)
    /// No value.
    static let none = JSONToken(number: .max)
}

/// What a text was found to be.
enum JSONVerdict {
    case invalid
    case valid
    /// JSON by its grammar, but half of a surrogate pair is spelled in it, so that many readers refuse it.
    case validWithLoneSurrogate
}

/// Names to look for among the keys of objects. A name is known by its place in the list.
@safe struct JSONNames: ~Copyable {
    fileprivate let names: OpaquePointer

    /// At most `JSONMembers.limit` names, none longer than 63 bytes.
    init(_ list: [String]) throws(CloudEventEncoderError) {
        precondition(list.count <= JSONMembers.limit, "a table of JSON names is larger than JSONMembers")
        guard let names = unsafe csimdjson_names_new(list.joined(separator: " ")) else { throw .outOfMemory }
        unsafe self.names = names
    }

    deinit { unsafe csimdjson_names_free(names) }
}

/// The values that an object has under the names of a `JSONNames`, by the name's place in its list.
struct JSONMembers {
    static let limit = 40
    fileprivate var tokens = InlineArray<40, UInt32>(repeating: .max)

    subscript(place: Int) -> JSONToken { JSONToken(number: tokens[place]) }
}

/// A text that is parsed and then asked about. One at a time; the memory is kept for the next.
@safe struct JSONText: ~Copyable {
    private let parser: OpaquePointer

    init() throws(CloudEventEncoderError) {
        guard let parser = unsafe csimdjson_parser_new() else { throw .outOfMemory }
        unsafe self.parser = parser
    }

    deinit { unsafe csimdjson_parser_free(parser) }

    /// Checks `text` against RFC 8259. The other functions may be called only after a valid one.
    mutating func parse(_ text: Span<UInt8>) -> JSONVerdict {
        let verdict = unsafe text.withUnsafeBufferPointer { unsafe csimdjson_parse(parser, $0.baseAddress, $0.count) }
        // Without memory an array that grows ends the process too; to guess what the text was would be worse.
        precondition(verdict != CSIMDJSON_OUT_OF_MEMORY, "no memory to parse an event of \(text.count) bytes")
        switch verdict {
        case CSIMDJSON_VALID: return .valid
        case CSIMDJSON_VALID_WITH_LONE_SURROGATE: return .validWithLoneSurrogate
        default: return .invalid
        }
    }

    /// The members of `object` that have one of `names`; of repeated keys the last. None where it is no object.
    func members(of object: JSONToken, named names: borrowing JSONNames) -> JSONMembers {
        var members = JSONMembers()
        var tokens = members.tokens.mutableSpan
        unsafe tokens.withUnsafeMutableBufferPointer { tokens in
            guard let first = tokens.baseAddress else { return }
            unsafe csimdjson_members(parser, object.number, names.names, first)
        }
        return members
    }

    /// The first element of `array`; `.none` where it is empty or no array.
    func firstElement(of array: JSONToken) -> JSONToken {
        JSONToken(number: unsafe csimdjson_first_element(parser, array.number))
    }

    /// The element behind `element` of an array; `.none` behind the last.
    func element(after element: JSONToken) -> JSONToken {
        JSONToken(number: unsafe csimdjson_next_element(parser, element.number))
    }

    func isObject(_ token: JSONToken) -> Bool {
        unsafe csimdjson_first_byte(parser, token.number) == UInt8(ascii: "{")
    }

    func isArray(_ token: JSONToken) -> Bool {
        unsafe csimdjson_first_byte(parser, token.number) == UInt8(ascii: "[")
    }

    /// Appends the string at `token`, its escapes resolved, if it is one and comes to at most `limit` bytes.
    func appendString(_ token: JSONToken, limit: Int, to bytes: inout [UInt8]) {
        guard token != .none else { return }
        bytes.append(addingCapacity: limit) { output in
            unsafe output.withUnsafeMutableBufferPointer { free, count in
                guard let start = free.baseAddress else { return }
                let copied = unsafe csimdjson_copy_string(parser, token.number, start + count, limit)
                if copied > 0 { count += copied }
            }
        }
    }
}
