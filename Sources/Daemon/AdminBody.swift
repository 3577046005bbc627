// What is in the body of a question: a JSON object with known keys.

/// The keys of a question's body.
struct AdminBody {
    private var members: [String: JSONNode] = [:]

    /// Reads the body of `request`; an empty one has no keys.
    ///
    /// - Parameter keys: those that mean something. Others are refused, for what is not understood is not done.
    init(_ request: AdminRequest, keys: Set<String>) throws(AdminRefusal) {
        guard !request.body.isEmpty else { return }
        let node: JSONNode
        do throws(JSONSyntaxError) {
            node = try JSONParser.parse(request.body)
        } catch {
            throw AdminRefusal(400, "the body is no JSON: found \(error.found), expected \(error.expected)")
        }
        guard case .object(let found) = node.value else { throw AdminRefusal(400, "the body is no JSON object") }
        for member in found {
            guard keys.contains(member.key) else {
                throw AdminRefusal(400, "\(quoted(shortened(member.key))) is none of \(keys.sorted())")
            }
            guard members.updateValue(member.value, forKey: member.key) == nil else {
                throw AdminRefusal(400, "\(quoted(member.key)) stands there twice")
            }
        }
    }

    func has(_ key: String) -> Bool { members[key] != nil }

    func string(_ key: String) throws(AdminRefusal) -> String? {
        guard let node = members[key] else { return nil }
        guard case .string(let text) = node.value else { throw AdminRefusal(400, "\(quoted(key)) is no string") }
        return text
    }

    func flag(_ key: String) throws(AdminRefusal) -> Bool {
        guard let node = members[key] else { return false }
        guard case .bool(let value) = node.value else { throw AdminRefusal(400, "\(quoted(key)) is no boolean") }
        return value
    }

    func number(_ key: String) throws(AdminRefusal) -> Int64? {
        guard let node = members[key] else { return nil }
        guard case .number(let text) = node.value, let number = Int64(text), number >= 0 else {
            throw AdminRefusal(400, "\(quoted(key)) is no whole number from 0")
        }
        return number
    }

    func numbers(_ key: String) throws(AdminRefusal) -> [Int64]? {
        try list(key, of: "whole numbers") { value in
            guard case .number(let text) = value else { return nil }
            return Int64(text)
        }
    }

    func strings(_ key: String) throws(AdminRefusal) -> [String]? {
        try list(key, of: "strings") { value in
            guard case .string(let text) = value else { return nil }
            return text
        }
    }

    /// A time as RFC 3339 writes it in UTC, in microseconds since 1970.
    func time(_ key: String) throws(AdminRefusal) -> Int64? {
        guard let text = try string(key) else { return nil }
        guard let seconds = UTCTimestamp.seconds(fromText: text) else {
            throw AdminRefusal(400, "\(quoted(key)) is no time such as 2026-12-01T00:00:00Z")
        }
        return seconds * 1_000_000
    }

    private func list<Element>(
        _ key: String, of what: String, _ read: (JSONValue) -> Element?
    ) throws(AdminRefusal) -> [Element]? {
        guard let node = members[key] else { return nil }
        guard case .array(let nodes) = node.value else { throw AdminRefusal(400, "\(quoted(key)) is no list") }
        var elements: [Element] = []
        for node in nodes {
            guard let element = read(node.value) else {
                throw AdminRefusal(400, "\(quoted(key)) is no list of \(what)")
            }
            elements.append(element)
        }
        return elements
    }
}

extension AdminRequest {
    /// The whole number in the query under `name`; `fallback` where there is none.
    func number(_ name: String, default fallback: Int64) throws(AdminRefusal) -> Int64 {
        guard let text = query[name] else { return fallback }
        guard let number = Int64(text), number >= 0 else {
            throw AdminRefusal(400, "\(name) must be a whole number from 0")
        }
        return number
    }

    /// Refuses names in the query that mean nothing.
    func checkQuery(_ names: Set<String>) throws(AdminRefusal) {
        for name in query.keys where !names.contains(name) {
            throw AdminRefusal(400, "\(quoted(shortened(name))) is none of \(names.sorted())")
        }
    }
}
