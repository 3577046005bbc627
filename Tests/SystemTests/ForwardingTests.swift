// Forwarding from end to end, where the environment, the store and the operator come in.

import Foundation
import Samples
import Testing

@Suite("Forwarding, from end to end") struct ForwardingTests {
    @Test("proxies of the environment see nothing") func environmentProxies() throws {
        let (target, proxy) = (try ForwardTarget(), try ForwardTarget())
        let url = "http://127.0.0.1:\(proxy.port)"
        let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        let daemon = try DaemonProcess(
            in: DaemonHome(), Settings(sinks: ["crm": target.sink]),
            environment: Dictionary(uniqueKeysWithValues: names.map { ($0, url) }))
        let callback = try SignedCallback.unique()
        #expect(try daemon.post(callback).status == 200)
        #expect(try target.awaitRequests(1).map(\.body) == [callback.body])
        #expect(try daemon.stop() == .exited(0))
        #expect(proxy.requests.isEmpty)
    }

    @Test("an event that is refused for good is in the dead letters, and those behind it are delivered")
    func deadLetter() throws {
        let target = try ForwardTarget(status: 422)
        var sink = target.sink
        sink.removeLast()
        let daemon = try DaemonProcess(Settings(sinks: ["crm": sink + #", "max_attempts": 3}"#]))
        let first = try SignedCallback.unique(), second = try SignedCallback.unique()
        #expect(try daemon.post(first).status == 200)
        _ = try target.awaitRequests(3)
        target.answer(200)
        #expect(try daemon.post(second).status == 200)
        #expect(try target.awaitRequests(4).map(\.body) == [first.body, first.body, first.body, second.body])
        #expect(try daemon.stop() == .exited(0))
        #expect(daemon.process.errors.text.contains("goes to the dead letters"))
        let letters = try rows(of: daemon.home, "SELECT sink, sequence, attempts, status FROM dead_letters")
        #expect(letters == [["crm", "1", "3", "422"]])
        #expect(try rows(of: daemon.home, "SELECT sequence FROM cursors WHERE sink = 'crm'") == [["2"]])
    }

    @Test("many requests at a time: every event once, each conversation in order") func concurrency() throws {
        let target = try ForwardTarget()
        var sink = target.sink
        sink.removeLast()
        let daemon = try DaemonProcess(Settings(sinks: ["crm": sink + #", "concurrency": 16}"#]))
        let connection = try daemon.connect()
        for index in 0..<300 {
            let body = #"{"message":{"id":"\#(index)","conversation_id":"c\#(index % 7)"}}"#
            #expect(try connection.exchange(SignedCallback(body).request()).status == 200)
        }
        let requests = try target.awaitRequests(300)
        #expect(try daemon.stop() == .exited(0))
        #expect(target.requests.count == 300)
        for conversation in 0..<7 {
            let sequences = requests.filter { $0.fields["ce-subject"] == "c\(conversation)" }.compactMap {
                $0.fields["ce-sequence"]
            }
            #expect(sequences == sequences.sorted() && sequences.count >= 42, "c\(conversation)")
        }
    }

    @Test("hookd check --sample tells who gets a callback") func sample() throws {
        let home = try DaemonHome()
        let settings = Settings(sinks: [
            "all": #"{"type": "stdout"}"#, "some": #"{"type": "file", "path": "x", "types": ["opt_in"]}"#,
        ])
        try home.directory.write(settings.json, to: "hookd.json")
        let arguments = ["check", "--config", home.configurationPath, "--sample"]
        let (ending, output, _) = try hookd(arguments + ["message_inbound.text"])
        #expect(ending == .exited(0))
        #expect(
            output == """
                /callbacks: com.sinch.conversation.message_inbound
                  all: gets it
                  some: does not get it, because of `types`

                """)
        #expect(try hookd(arguments + ["nonsense"]).ending == .exited(64))
    }
}
