// Reading `sinks`. A sink of a new type is one case in each of the two switches, and one shape.

extension ConfigurationReading {
    /// - Parameter named: the names that endpoints refer to.
    func sinks(_ entries: [(key: String, reader: JSONReader)], named: Set<String>) -> [Configuration.Sink] {
        var sinks: [Configuration.Sink] = []
        for (name, reader) in entries {
            checkName(name, reader)
            if !named.contains(name) {
                reader.warn("no endpoint names this sink, so it gets no events.")
            }
            guard let kind = kind(reader) else { continue }
            checkShared(kind, reader, with: sinks)
            sinks.append(Configuration.Sink(name: name, kind: kind))
        }
        return sinks
    }

    private func checkName(_ name: String, _ reader: JSONReader) {
        let isName =
            (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) }
        guard !isName else { return }
        reader.refuse(
            found: quoted(shortened(name)),
            expected: "a sink's name of 1 to 64 letters, digits, hyphens and underscores")
    }

    /// Two sinks that write to one place would mix their lines.
    private func checkShared(_ kind: Configuration.SinkKind, _ reader: JSONReader, with sinks: [Configuration.Sink]) {
        for sink in sinks {
            switch (kind, sink.kind) {
            case (.stdout, .stdout):
                reader.refuse(
                    found: "a second sink of type \"stdout\", besides \(quoted(sink.name))", expected: "at most one")
            case (.file(let path), .file(let other)) where Self.normalized(path) == Self.normalized(other):
                let found = "the path of sink \(quoted(sink.name))"
                problems.refuse(
                    line: reader.node.line, path: "\(reader.path).path", found: found, expected: "a file of its own")
            default: continue
            }
            return
        }
    }

    private func kind(_ reader: JSONReader) -> Configuration.SinkKind? {
        guard let type = type(reader) else { return nil }
        switch type {
        case "stdout": return reader.object(.stdoutSink).map { _ in .stdout }
        case "file": return reader.object(.fileSink).flatMap(file)
        default: return reader.object(.forwardSink).flatMap(forward).map { .forward($0) }
        }
    }

    /// The type, which says what other keys there are; nil, and reported, where there is none that is known.
    private func type(_ reader: JSONReader) -> String? {
        let expected = SinkKeys.type.expected
        guard case .object(let members) = reader.node.value else {
            reader.refuse(expected: Shape.stdoutSink.expected)
            return nil
        }
        guard let member = members.first(where: { $0.key == SinkKeys.type.name }) else {
            problems.refuse(
                line: reader.node.line, path: "\(reader.path).type", found: "nothing", expected: expected)
            return nil
        }
        let typeReader = JSONReader(node: member.value, path: "\(reader.path).type", problems: problems)
        guard let type = typeReader.string(expected: expected) else { return nil }
        let types = ["stdout", "file", "forward"]
        guard types.contains(type) else {
            let hint = nearestName(to: type, among: types).map { " (did you mean \(quoted($0))?)" } ?? ""
            typeReader.refuse(expected: expected + hint)
            return nil
        }
        return type
    }

    private func file(_ object: JSONObjectReader) -> Configuration.SinkKind? {
        guard let reader = object[SinkKeys.path], let path = reader.string(expected: SinkKeys.path.expected) else {
            return nil
        }
        guard !path.isEmpty, !path.hasSuffix("/") else {
            reader.refuse(expected: SinkKeys.path.expected)
            return nil
        }
        return .file(path: Self.absolute(path, in: directory))
    }
}
