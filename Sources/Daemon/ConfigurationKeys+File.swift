// The keys of a file sink, and the keys of every sink that say which events it gets.

import Delivery

/// The keys of a file sink.
enum FileKeys {
    static let rotate = Entry(
        "rotate", .object(.rotation), expected: Shape.rotation.expected,
        "When the file is full and a new one is begun. Without it, it grows, or another program rotates it.")
    static let size = OptionalSetting(
        "size", SizeKind(bounds: 65_536...1_099_511_627_776), example: 100_000_000, "The size of a file that is full.")
    static let age = OptionalSetting(
        "age", DurationKind(bounds: .seconds(60)...(.seconds(31_536_000))), example: .seconds(86_400),
        "The age of a file that is full.")
    static let keep = Setting(
        "keep", CountKind(bounds: 1...10_000), default: 7, "How many full files are kept; the oldest are removed.")
    static let compress = Setting(
        "compress", FlagKind(), default: false, "Whether full files are compressed, but for the newest.")
    static let sync = Setting(
        "sync", ChoiceKind<FileSync>(), default: .batch,
        "Whether lines are written through to the disk before their events count as taken: batch, or none.")
}

/// The keys that choose among events.
enum ChoiceKeys {
    static let types = Entry(
        "types", .list(of: .string()), expected: "a list of types such as [\"message_inbound\", \"message_delivery\"]",
        "The types of events that the sink gets. Without it, all.")
    static let channels = Entry(
        "channels", .list(of: .string()), expected: "a list of channels such as [\"WHATSAPP\", \"SMS\"]",
        "The channels whose events the sink gets. Without it, all, and those of no channel.")
    static let apps = Entry(
        "apps", .list(of: .string()), expected: "a list of ids of Conversation API apps",
        "The apps whose events the sink gets. Without it, all, and those of no app.")
    static let endpoints = Entry(
        "endpoints", .list(of: .string()), expected: "a list of paths of endpoints that name the sink",
        "Of the endpoints that name the sink, those whose events it gets. Without it, all.")
    static let all: [any KeyDeclaration] = [types, channels, apps, endpoints]
}

extension Shape {
    static let stdoutSink = Shape(
        expected: "an object such as {\"type\": \"stdout\"}", keys: [SinkKeys.type] + ChoiceKeys.all)
    static let fileSink = Shape(
        expected: "an object such as {\"type\": \"file\", \"path\": \"events.jsonl\"}",
        keys: [SinkKeys.type, SinkKeys.path, FileKeys.rotate, FileKeys.sync] + ChoiceKeys.all)
    static let rotation = Shape(
        expected: "an object such as {\"size\": \"100MB\", \"keep\": 7}",
        keys: [FileKeys.size, FileKeys.age, FileKeys.keep, FileKeys.compress],
        anyOf: [FileKeys.size.name, FileKeys.age.name])
}
