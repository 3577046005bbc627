// What people and programs see of an event.

import Foundation
import Samples
@testable import Store
import Testing

@testable import hookd

@Suite("a printed event") struct EventPrinterTests {
    private func line(_ body: String, _ style: EventPrinter.Style) throws -> String {
        var batch = EventBatch()
        func append(_ text: String) -> ByteRange {
            let range = ByteRange(offset: batch.bytes.count, count: text.utf8.count)
            batch.bytes += Array(text.utf8)
            return range
        }
        let event = StoredEvent(
            sequence: 42, recordedAt: 1_634_579_354_027_000, receivedAt: 1_634_579_354_020_000,
            signedAt: 1_634_579_353, endpoint: append("/callbacks"), client: append(""), nonce: append("nonce"),
            signature: append(String(repeating: "s", count: 32)), algorithm: append(""),
            id: append("0123456789abcdef"), body: append(body))
        batch.events = [event]
        batch.bytes += [UInt8](repeating: 0, count: EventBatch.padding)
        return String(decoding: try EventPrinter(style).line(of: event, in: batch), as: UTF8.self)
    }

    @Test("is a CloudEvent for programs") func json() throws {
        let line = try line(#"{"message":{"id":"M"},"app_id":"A"}"#, .json)
        #expect(line.hasSuffix("\n") && line.dropLast().allSatisfy { $0 != "\n" })
        let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(event["type"] as? String == "com.sinch.conversation.message_inbound")
        #expect(event["sequence"] as? String == "0000000000000000042")
    }

    @Test("is a few words for people") func text() throws {
        let body = """
            {"message":{"id":"M","conversation_id":"C","channel_identity":{"channel":"SMS"},
            "contact_message":{"text_message":{"text":"Hi there"}}}}
            """
        let expected = "2021-10-18T17:49:14Z  message_inbound  SMS  C  Hi there\n"
        #expect(try line(body, .text(coloured: false)) == expected)
    }

    @Test("goes on below its type where the terminal has too few columns") func narrow() throws {
        let body = """
            {"message":{"conversation_id":"01EQ8172WMDB8008EFT4M30481","channel_identity":{"channel":"MESSENGER"},
            "contact_message":{"text_message":{"text":"Hi! Is my order on its way? It was to be here yesterday"}}}}
            """
        let expected = """
            2021-10-18T17:49:14Z  message_inbound  MESSENGER  01EQ8172WMDB8008EFT4M30481
                                  Hi! Is my order on its way? It was to be here yesterday

            """
        #expect(try line(body, .text(coloured: false, columns: 80)) == expected)
        let coloured = try line(body, .text(coloured: true, columns: 80))
        #expect(coloured.replacing(#/\u{1B}\[\d*m/#, with: "") == expected, "colours take no columns")
        #expect(try line(body, .text(coloured: false, columns: 140)).filter { $0 == "\n" }.count == 1)
        #expect(try line(body, .text(coloured: false, columns: 10)).filter { $0 == "\n" }.count == 1, "no use")
    }

    @Test("has colours only where they are welcome") func colours() throws {
        #expect(try line("{}", .text(coloured: true)).contains("\u{1B}["))
        #expect(try !line("{}", .text(coloured: false)).contains("\u{1B}"))
    }

    @Test(
        "cannot move a terminal's cursor or turn its writing",
        arguments: [
            #"\u001b[31mred"#, #"a\nb"#, #"a\rb"#, #"\u0007"#, #"\u009b2J"#, "\u{202E}txt.exe", #"\u2066"#, "\u{7F}",
        ]) func escapes(_ text: String) throws
    {
        let body =
            #"{"message":{"conversation_id":"\#(text)","channel_identity":{"channel":"\#(text)"},"#
            + #""contact_message":{"text_message":{"text":"\#(text)"}}}}"#
        let line = try line(body, .text(coloured: false))
        #expect(line.contains("message_inbound"))
        let obeyed = line.dropLast().unicodeScalars.filter {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || (0x202A...0x202E).contains($0.value)
                || (0x2066...0x2069).contains($0.value)
        }
        #expect(obeyed.isEmpty)
    }

    @Test("shows no more than a line's worth of a text") func long() throws {
        let line = try line(#"{"text":"\#(String(repeating: "x", count: 61))"}"#, .text(coloured: false))
        #expect(line.hasSuffix(" " + String(repeating: "x", count: 57) + "…\n"))
    }

    @Test("survives a body that is no JSON") func notJSON() throws {
        #expect(try line("\u{0}{", .text(coloured: false)) == "2021-10-18T17:49:14Z  invalid_json\n")
    }

    @Test(
        "has an excerpt where a person would look for one",
        arguments: [
            (#"{"a":{"text":"deep"},"text":"top"}"#, "top"),
            (#"{"title":"title","a":[{"text":"text"}]}"#, "text"),
            (#"{"text":"","caption":"caption"}"#, "caption"),
            (#"{"text":1,"url":"http://x"}"#, "http://x"),
            (#"["a",{"description":"why"}]"#, "why"),
            (#"{"other":"x"}"#, nil),
            ("nonsense", nil),
        ]) func excerpts(_ body: String, _ excerpt: String?)
    {
        #expect(Excerpt(ofBody: Array(body.utf8)[...])?.text == excerpt)
    }
}
