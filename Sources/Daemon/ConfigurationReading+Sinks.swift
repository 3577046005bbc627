// Reading `sinks`. A sink of a new type is one case in each of the two switches, and one shape.

import Delivery

extension ConfigurationReading {
    /// - Parameter endpoints: whose sinks they are.
    func sinks(
        _ entries: [(key: String, reader: JSONReader)], endpoints: [Configuration.Endpoint]
    ) -> [Configuration.Sink] {
        var sinks: [Configuration.Sink] = []
        for (name, reader) in entries {
            checkName(name, reader)
            let named = endpoints.filter { $0.sinks.contains(name) }.map(\.path)
            if named.isEmpty {
                reader.warn("no endpoint names this sink, so it gets no events.")
            }
            guard let (kind, object) = kind(reader) else { continue }
            checkShared(kind, reader, with: sinks)
            sinks.append(
                Configuration.Sink(
                    name: name, kind: kind, choice: choice(object), endpoints: chosenEndpoints(object, named: named)))
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
            case (.file(let file), .file(let other))
            where Self.normalized(file.path) == Self.normalized(other.path):
                let found = "the path of sink \(quoted(sink.name))"
                problems.refuse(
                    line: reader.node.line, path: "\(reader.path).path", found: found, expected: "a file of its own")
            default: continue
            }
            return
        }
    }

    /// The type with what it needs, and the object that holds it. Nil, and reported, where there is none.
    private func kind(_ reader: JSONReader) -> (Configuration.SinkKind, JSONObjectReader)? {
        guard let type = type(reader) else { return nil }
        let object: JSONObjectReader?
        let kind: Configuration.SinkKind?
        switch type {
        case "stdout":
            object = reader.object(.stdoutSink)
            kind = .stdout
        case "file":
            object = reader.object(.fileSink)
            kind = object.flatMap(file).map { .file($0) }
        default:
            object = reader.object(.forwardSink)
            kind = object.flatMap(forward).map { .forward($0) }
        }
        guard let object, let kind else { return nil }
        return (kind, object)
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

    private func file(_ object: JSONObjectReader) -> Configuration.File? {
        let (rotation, sync) = (rotation(object[FileKeys.rotate]), object.value(FileKeys.sync))
        guard let reader = object[SinkKeys.path], let path = reader.string(expected: SinkKeys.path.expected) else {
            return nil
        }
        guard !path.isEmpty, !path.hasSuffix("/") else {
            reader.refuse(expected: SinkKeys.path.expected)
            return nil
        }
        return Configuration.File(path: Self.absolute(path, in: directory), rotation: rotation, sync: sync)
    }

    private func rotation(_ reader: JSONReader?) -> FileRotation? {
        guard let object = reader?.object(.rotation) else { return nil }
        var rotation = FileRotation(keep: object.value(FileKeys.keep), compresses: object.value(FileKeys.compress))
        rotation.sizeBytes = object.value(FileKeys.size).map { Int64($0) }
        rotation.ageSeconds = object.value(FileKeys.age)?.components.seconds
        if object.isKnown, object[FileKeys.size] == nil, object[FileKeys.age] == nil {
            object.reader.refuse(
                found: "neither size nor age", expected: "one of them or both, for when a file is full")
        }
        return rotation
    }
}
