// The keys that file sinks have, and those that choose among events.

import Delivery
import Samples
import Testing

@testable import Daemon

@Suite("The configuration of file sinks and of choices") struct SinkKeysTests {
    private func sink(_ keys: String) throws -> Configuration.Sink {
        let text = #""out": {"type": "file", "path": "/x/y""# + keys + "}"
        return try #require(try ConfigurationText.sinks(text).load().sinks.first)
    }

    private func file(_ keys: String) throws -> Configuration.File {
        guard case .file(let file) = try sink(keys).kind else { throw Missing() }
        return file
    }

    private struct Missing: Error {}

    @Test func everyKeyIsRead() throws {
        let full = try file(#", "rotate": {"size": "100MB", "age": "1d", "keep": 3, "compress": true}, "sync": "none""#)
        #expect(
            full.rotation
                == FileRotation(sizeBytes: 100_000_000, ageSeconds: 86_400, keep: 3, compresses: true))
        #expect(full.sync == .none)
        let plain = try file("")
        #expect(plain.rotation == nil && plain.sync == .batch && plain.path == "/x/y")
        #expect(try file(#", "rotate": {"age": "1h"}"#).rotation == FileRotation(ageSeconds: 3600, keep: 7))
    }

    @Test func aChoiceIsRead() throws {
        let keys =
            #", "types": ["message_inbound", "com.sinch.conversation.opt_in"], "channels": ["whatsapp"], "#
            + #""apps": ["a1"], "endpoints": ["/c"]"#
        let sink = try sink(keys)
        #expect(sink.choice.types == ["com.sinch.conversation.message_inbound", "com.sinch.conversation.opt_in"])
        #expect(sink.choice.channels == ["WHATSAPP"] && sink.choice.apps == ["a1"] && sink.endpoints == ["/c"])
        let everything = try self.sink("")
        #expect(everything.choice.isEverything && everything.endpoints == nil)
    }

    @Test func aPostureTells() throws {
        let text =
            #""out": {"type": "file", "path": "/x/y", "rotate": {"size": "1GiB", "compress": true}, "sync": "none", "#
            + #""types": ["message_inbound"], "channels": ["SMS", "RCS"]}"#
        let posture = try ConfigurationText.sinks(text).load().posture
        #expect(
            posture.contains(
                """
                sink out: file /x/y; rotated at 1GiB, 7 kept; compressed; not written through: a
                  power cut may lose lines; only types message_inbound; only channels RCS, SMS

                """))
    }

    @Test(
        "is refused with the path of the key",
        arguments: [
            (#""rotate": {}"#, "rotate", "neither size nor age"),
            (#""rotate": {"size": "1KB"}"#, "rotate.size", "\"1KB\""),
            (#""rotate": {"age": "1s"}"#, "rotate.age", "\"1s\""),
            (#""rotate": {"age": "1d", "keep": 0}"#, "rotate.keep", "0"),
            (#""sync": "always""#, "sync", "\"always\""), (#""types": []"#, "types", "an empty list"),
            (#""types": ["mesage_inbound"]"#, "types[0]", "\"mesage_inbound\""), (#""types": "x""#, "types", "\"x\""),
            (#""channels": ["a b"]"#, "channels[0]", "\"a b\""), (#""apps": [""]"#, "apps[0]", "\"\""),
            (#""endpoints": ["/d"]"#, "endpoints[0]", "\"/d\""),
        ])
    func refuses(keys: String, path: String, found: String) {
        let text = #""out": {"type": "file", "path": "/x/y", "# + keys + "}"
        let problems = ConfigurationText.sinks(text).problems()
        #expect(problems.map(\.path) == ["sinks.out." + path])
        #expect(problems.map(\.found) == [found])
    }

    @Test func aMistypedTypeIsToldWhichThereAre() {
        let problems = ConfigurationText.sinks(#""out": {"type": "stdout", "types": ["mesage_inbound"]}"#).problems()
        let expected = problems.first?.expected ?? ""
        #expect(expected.hasPrefix("one of message_inbound, "))
        #expect(expected.hasSuffix(#"unknown, invalid_json (did you mean "message_inbound"?)"#))
    }

    @Test func aSampleShowsWhoGetsIt() throws {
        let configuration = try ConfigurationText.sinks(
            #"""
            "out": {"type": "stdout"}, "typed": {"type": "file", "path": "/a", "types": ["opt_in"]},
            "none": {"type": "file", "path": "/b"}
            """#
        ).load()
        var changed = configuration
        changed.endpoints[0].sinks = ["out", "typed"]
        let body = try #require(Sample.named("message_inbound.text")).body
        #expect(
            try changed.routing(ofBody: body) == """
                /c: com.sinch.conversation.message_inbound
                  out: gets it
                  typed: does not get it, because of `types`

                """)
    }
}
