// The sinks with the renderer that the daemon gives them.

import Events
import Glibc
import Store
import Testing

@testable import Delivery

@Suite("Events as CloudEvents") struct CloudEventRendererTests {
    private static let body = #"{"project_id":"p1", "app_id":"a1","message":{"id":"m é%","contact_id":"c1"}}"#

    private static let callback: TestEvent = {
        var event = TestEvent(body)
        event.client = [192, 0, 2, 7]
        return event
    }()

    @Test("are lines in a file")
    func line() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("events.jsonl")
        let sink = FileSink(name: "archive", path: path, renderer: try CloudEventRenderer())
        #expect(sink.take(makeBatch([(41, TestEvent("{\n}")), (42, Self.callback)]), from: 0).count == 2)
        let lines = try contents(of: path).split(separator: "\n")
        try #require(lines.count == 2)
        #expect(lines[1].hasPrefix(#"{"specversion":"1.0","id":"2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a","source":"#))
        #expect(lines[1].contains(#""sequence":"0000000000000000042""#))
        #expect(lines[1].contains(#""clientaddress":"192.0.2.7""#))
        #expect(!lines[0].contains("clientaddress"), "where it is not known")
        #expect(lines[1].hasSuffix(#""data":\#(Self.body)}"#))
    }

    @Test("are headers of a request")
    func headers() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        let settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: try CloudEventRenderer())
        #expect(sink.deliver(makeBatch([(42, Self.callback)])).verdict == .done)
        let request = try #require(target.requests.first)
        #expect(request.text == Self.body)
        for header in [
            "ce-specversion: 1.0", "ce-id: 2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", "ce-sequence: 0000000000000000042",
            "ce-endpoint: /callbacks", "ce-clientaddress: 192.0.2.7", "ce-sinchmessage: m%20%C3%A9%25",
            "Content-Type: application/json",
        ] {
            #expect(request.headers.contains(header), "\(header) in \(request.headers)")
        }
        #expect(!request.head.contains("ce-datacontenttype"))
    }

    @Test("keep a body that is not JSON, and say so")
    func notJSON() throws {
        let target = try HTTPTarget([])
        defer { target.close() }
        let settings = ForwardSettings(url: target.url, userAgent: "hookd/test")
        let sink = try ForwardSink(name: "crm", settings: settings, renderer: try CloudEventRenderer())
        #expect(sink.deliver(makeBatch([(1, TestEvent(bytes: [0, 0xFF, 13, 10]))])).verdict == .done)
        let request = try #require(target.requests.first)
        #expect(request.body == [0, 0xFF, 13, 10])
        #expect(request.headers.contains("Content-Type: application/octet-stream"))
    }
}
