// Delivery from end to end: what a forward target gets, and that a slow or dead sink harms nobody else.

import Foundation
import Samples
import Testing

@Suite("Sinks, from end to end") struct SinkTests {
    @Test("a forward target gets the callback byte for byte, its signature, and the attributes") func forward() throws {
        let target = try ForwardTarget()
        let daemon = try DaemonProcess(
            Settings(sinks: ["crm": target.sink, "archive": Settings().sinks["archive"] ?? ""]))
        var callbacks = try Sample.all.map { try SignedCallback($0.body) }
        callbacks += try RoundTripTests.oddBodies.map { try SignedCallback($0.body) }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        let requests = try target.awaitRequests(callbacks.count)
        #expect(try daemon.stop() == .exited(0))
        #expect(target.requests.count == callbacks.count)

        let written = try lines(of: daemon.home.eventsPath).map { try EventLine($0) }
        for ((callback, request), line) in zip(zip(callbacks, requests), written) {
            #expect(request.line == "POST /in?token=1 HTTP/1.1")
            #expect(request.body == callback.body)
            #expect(try request.isSigned(with: DaemonHome.secret))
            #expect(request.fields["x-sinch-webhook-signature-algorithm"] == "HmacSHA256")
            #expect(request.fields["content-type"] == line["datacontenttype"])
            for name in [
                "specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "endpoint",
            ] {
                let value = request.fields["ce-" + name].map { $0.removingPercentEncoding ?? $0 }
                #expect(value == line[name], "ce-\(name)")
            }
        }
    }

    @Test("a target that is down gets everything later, in order, and holds up nobody") func targetDown() throws {
        let first = try ForwardTarget()
        let port = first.port, sink = first.sink
        first.close()
        var sinks = RoundTripTests.sinks
        sinks["crm"] = sink
        let daemon = try DaemonProcess(Settings(sinks: sinks))
        let callbacks = try (0..<30).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        // The other sinks are done while this one has not even a target.
        #expect(try awaitLines(30, in: daemon.home.eventsPath).count == 30)
        #expect(try awaitLines(30, in: daemon.process.output).count == 30)

        let second = try ForwardTarget(port: port)
        #expect(try second.awaitRequests(30).map(\.body) == callbacks.map(\.body))
        #expect(try daemon.stop() == .exited(0))
        #expect(second.requests.count == 30)
    }

    @Test("a target that answers 500 gets the same event until it takes it", arguments: [500, 503, 404, 302])
    func targetFails(_ status: Int) throws {
        let target = try ForwardTarget(status: status)
        let daemon = try DaemonProcess(Settings(sinks: ["crm": target.sink]))
        let callbacks = try (0..<5).map { _ in try SignedCallback.unique() }
        for callback in callbacks { #expect(try daemon.post(callback).status == 200) }
        let refused = try target.awaitRequests(4)
        #expect(refused.allSatisfy { $0.body == callbacks[0].body }, "none is left out")
        target.answer(204)
        let ids = try poll("the last event") {
            let bodies = target.requests.map(\.body)
            return bodies.last == callbacks[4].body ? bodies : nil
        }
        #expect(ids.suffix(4) == callbacks[1...].map(\.body)[...])
        #expect(ids.dropLast(4).allSatisfy { $0 == callbacks[0].body })
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("what a target had not taken is sent after a restart", arguments: [SIGTERM, SIGKILL])
    func restart(_ signal: Int32) throws {
        let home = try DaemonHome()
        let target = try ForwardTarget()
        let settings = Settings(sinks: ["crm": target.sink])
        let first = try DaemonProcess(in: home, settings)
        let callbacks = try (0..<20).map { _ in try SignedCallback.unique() }
        for callback in callbacks[..<5] { #expect(try first.post(callback).status == 200) }
        _ = try target.awaitRequests(5)
        target.answer(500)
        for callback in callbacks[5...] { #expect(try first.post(callback).status == 200) }
        _ = try target.awaitRequests(6)
        first.process.signal(signal)
        _ = try first.process.wait()

        target.answer(200)
        let before = target.requests.count
        let second = try DaemonProcess(in: home, settings)
        let bodies = try poll("the last event") {
            let bodies = target.requests[before...].map(\.body)
            return bodies.last == callbacks[19].body ? bodies : nil
        }
        // After a crash, what was taken within its last moments may come again; then it comes in order, too.
        let expected = callbacks.map(\.body)
        #expect(bodies == Array(expected.suffix(bodies.count)))
        #expect(bodies.count >= 15)
        if signal == SIGTERM { #expect(bodies.count == 15) }
        #expect(try second.stop() == .exited(0))
    }

    @Test("a reader of stdout that stops reading stops nobody") func stalledReader() throws {
        let daemon = try DaemonProcess(
            in: DaemonHome(), Settings(sinks: RoundTripTests.sinks, limits: ["drain_timeout": "\"200ms\""]),
            readsOutput: false)
        // Far more than a pipe holds.
        let padding = String(repeating: "p", count: 8000)
        let connection = try daemon.connect()
        for index in 1...100 {
            let body = #"{"message":{"id":"\#(index)","metadata":"\#(padding)"}}"#
            #expect(try connection.exchange(SignedCallback(body).request()).status == 200)
        }
        #expect(try awaitLines(100, in: daemon.home.eventsPath).count == 100)
        #expect(try daemon.stop() == .exited(0), "a stop is not held up either")
        daemon.process.readOutput()
        let seen = wholeLines(of: Array(try daemon.process.output.toEnd().utf8))
        #expect(seen.count < 100)
        for line in seen { _ = try EventLine(line) }

        // The next reader gets the rest.
        let next = try DaemonProcess(in: daemon.home, Settings(sinks: RoundTripTests.sinks))
        let rest = try awaitLines(100 - seen.count, in: next.process.output)
        #expect(try next.stop() == .exited(0))
        let sequences = try (seen + rest).map { try EventLine($0)["sequence"] }
        #expect(sequences == (1...100).map { String(format: "%019d", $0) })
    }

    @Test("a file sink whose last line was torn by a crash goes on with a whole one") func tornLine() throws {
        let home = try DaemonHome()
        let torn = #"{"specversion":"1.0","id":"#
        try home.directory.write(torn, to: "events.jsonl")
        let daemon = try DaemonProcess(in: home)
        let callback = try SignedCallback.unique()
        #expect(try daemon.post(callback).status == 200)
        #expect(try daemon.stop() == .exited(0))
        let written = lines(of: home.eventsPath)
        #expect(written.count == 1, "the torn line is cut off")
        #expect(try EventLine(written.last ?? "").holds(callback.body))
    }
}
