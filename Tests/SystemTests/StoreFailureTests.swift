// B5, B12: a disk that fails. The answer is 503, the nonce stays free, and the daemon lives.

import Foundation
import Glibc
import Testing

@Suite("A store that fails is not the sender's fault") struct StoreFailureTests {
    /// Sends the same bytes again until they are not answered 503, as Sinch would.
    private func resend(_ callback: SignedCallback, to daemon: DaemonProcess) throws -> Answer {
        try poll("an answer other than 503") {
            let answer = try daemon.post(callback)
            return answer.status == 503 ? nil : answer
        }
    }

    /// A true write error: files may not grow, and write(2) fails with EFBIG.
    @Test("writes that fail") func failingWrites() throws {
        let daemon = try DaemonProcess()
        let before = try SignedCallback.unique()
        #expect(try daemon.post(before).status == 200)
        _ = try awaitLines(1, in: daemon.home.eventsPath)

        let callbacks = try (0..<5).map { _ in try SignedCallback.unique() }
        try setFileSizeLimit(0, ofProcess: daemon.process.pid)
        for _ in 0..<3 {
            for callback in callbacks {
                let answer = try daemon.post(callback)
                #expect(answer.status == 503)
                #expect(answer.text.contains(#""status":"UNAVAILABLE""#))
                #expect(answer.field("retry-after").flatMap { Int($0) } ?? 0 > 0)
            }
        }
        // What needs no disk is answered as ever.
        #expect(try daemon.post(SignedCallback("{}", secret: "wrong")).status == 401)

        try setFileSizeLimit(.max, ofProcess: daemon.process.pid)
        #expect(try resend(callbacks[0], to: daemon).text.contains(#""stored""#))
        for callback in callbacks[1...] { #expect(try daemon.post(callback).text.contains(#""stored""#)) }
        #expect(try daemon.post(before).text.contains("duplicate"))
        let all = [before] + callbacks
        #expect(try storedEvents(in: daemon.home).map(\.nonce) == all.map(\.nonce))
        #expect(try daemon.stop() == .exited(0))
        let ids = try lines(of: daemon.home.eventsPath).map { try EventLine($0)["id"] }
        #expect(try ids == all.map { try $0.id }, "each is delivered, once and in order")
        #expect(daemon.process.errors.text.contains("callbacks are answered 503"))
    }

    @Test("a nonce of a failed commit is as free as one that never came") func freeNonce() throws {
        let daemon = try DaemonProcess()
        let nonce = freshNonce()
        try setFileSizeLimit(0, ofProcess: daemon.process.pid)
        #expect(try daemon.post(SignedCallback(#"{"n":1}"#, nonce: nonce)).status == 503)
        try setFileSizeLimit(.max, ofProcess: daemon.process.pid)
        let other = try SignedCallback(#"{"n":2}"#, nonce: nonce)
        #expect(try resend(other, to: daemon).text.contains(#""stored""#))
        try daemon.kill()
        #expect(try storedEvents(in: daemon.home).map(\.body) == [other.body])
    }

    /// Whether a small file system can be mounted here: it takes root and a kernel that lets it.
    static let canMount: Bool = {
        guard let directory = try? TemporaryDirectory() else { return false }
        guard mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount2(directory.path, Int32(MNT_DETACH)) == 0
    }()

    @Test("a full disk", .enabled(if: canMount, "needs root, to mount a small tmpfs")) func fullDisk() throws {
        let home = try DaemonHome()
        try FileManager.default.createDirectory(atPath: home.statePath, withIntermediateDirectories: false)
        try #require(mount("tmpfs", home.statePath, "tmpfs", 0, "size=4m") == 0)
        defer { umount2(home.statePath, Int32(MNT_DETACH)) }
        let daemon = try DaemonProcess(in: home)
        let first = try SignedCallback.unique()
        #expect(try daemon.post(first).status == 200)

        let filler = home.directory.file("state/filler")
        try fill(filler)
        // What is left of pages that are allocated already may take some more.
        let turnedAway = try poll("an answer of 503") {
            let callback = try SignedCallback(#"{"padding":"\#(String(repeating: "p", count: 20_000))"}"#)
            let answer = try daemon.post(callback)
            #expect(answer.status == 200 || answer.status == 503)
            return answer.status == 503 ? callback : nil
        }
        let stored = try storedEvents(in: home)
        for _ in 0..<20 { #expect(try daemon.post(turnedAway).status == 503) }
        #expect(try daemon.post(first).status != 409)
        #expect(unlink(filler) == 0)

        #expect(try resend(turnedAway, to: daemon).text.contains(#""stored""#))
        #expect(try daemon.post(first).text.contains("duplicate"))
        #expect(try storedEvents(in: home).map(\.nonce) == stored.map(\.nonce) + [turnedAway.nonce])
        #expect(try daemon.stop() == .exited(0))
        #expect(lines(of: home.eventsPath).count == stored.count + 1)
    }

    /// Writes until nothing more fits.
    private func fill(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        for size in [65_536, 4096, 1] {
            let piece = [UInt8](repeating: 0, count: size)
            while write(descriptor, piece, size) > 0 {}
        }
        try #require(errno == ENOSPC)
    }
}
