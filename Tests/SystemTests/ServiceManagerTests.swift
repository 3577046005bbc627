// What systemd is told, in which order, and what it is not told.

import Foundation
import Testing

@Suite("The service manager is told") struct ServiceManagerTests {
    private let home: DaemonHome
    private let manager: DatagramSocket

    init() throws {
        home = try DaemonHome()
        manager = try DatagramSocket("notify", in: home.directory)
    }

    private func start(_ settings: Settings = Settings(), watchdogMicroseconds: Int? = nil) throws -> DaemonProcess {
        let watchdog = watchdogMicroseconds.map { ["WATCHDOG_USEC": "\($0)"] } ?? [:]
        return try DaemonProcess(
            in: home, settings, environment: ["NOTIFY_SOCKET": manager.path].merging(watchdog) { $1 })
    }

    @Test("ready, reloading, ready again, stopping: in this order") func order() throws {
        let daemon = try start()
        try manager.wait(for: "READY=1")
        #expect(try daemon.post(SignedCallback.unique()).status == 200)
        let before = monotonicMicroseconds()
        #expect(try daemon.command("reload").ending == .exited(0))
        let after = monotonicMicroseconds()
        try home.directory.write("{", to: "hookd.json")
        daemon.process.signal(SIGHUP)
        try manager.wait(for: "READY=1", count: 3)
        #expect(try daemon.stop() == .exited(0))
        let said = manager.all
        let expected = ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
        #expect(milestones(said) == expected)
        // In the same datagram, or systemd takes it for another reload's.
        let reloading = try #require(said.first { $0.hasPrefix("RELOADING=1") })
        let time = try #require(reloading.firstMatch(of: #/\nMONOTONIC_USEC=(\d+)$/#).flatMap { Int64($0.1) })
        #expect(before...after ~= time)
        // People are told why.
        let refused = try #require(said.last { $0.hasPrefix("READY=1") })
        #expect(refused.contains("STATUS=") && refused.contains("refused") && refused.contains("hookd.json"))
        #expect(said.contains { $0.contains("EXTEND_TIMEOUT_USEC=") })
        #expect(!said.contains { $0.contains("WATCHDOG=1") }, "nobody asked for it")
    }

    @Test("how it is, on one line") func status() throws {
        let crm = #"{"type": "forward", "url": "http://127.0.0.1:9/"}"#
        let daemon = try start(Settings(sinks: ["crm": crm]))
        try manager.wait("a first status") { said in
            said.contains { $0.hasPrefix("STATUS=no events") } ? () : nil
        }
        for _ in 0..<3 { #expect(try daemon.post(SignedCallback.unique()).status == 200) }
        let status = try manager.wait("that a sink is behind") { said in
            said.last { $0.contains("sink crm is 3 events behind") }
        }
        #expect(status.contains("sink crm fails ("), "\(status)")
        #expect(!status.contains("\n"))
        #expect(try daemon.stop() == .exited(0))
    }

    @Test(
        "not ready while the store takes nothing, and ready when it does",
        .enabled(if: StoreFailureTests.canMount, "needs root, to mount a small tmpfs")) func notReady() throws
    {
        try FileManager.default.createDirectory(atPath: home.statePath, withIntermediateDirectories: false)
        try #require(mount("tmpfs", home.statePath, "tmpfs", 0, "size=4m") == 0)
        defer { umount2(home.statePath, Int32(MNT_DETACH)) }
        #expect(try DaemonProcess(in: home).stop() == .exited(0))
        // Less than the reserve, an eighth.
        let filler = home.directory.file("state/filler")
        try fill(filler, leavingBytes: 400_000)
        let daemon = try start()
        let waiting = try manager.wait("that it is not ready") { said in
            said.first { $0.hasPrefix("STATUS=not ready: ") }
        }
        #expect(waiting.contains("the disk") && waiting.contains("\nEXTEND_TIMEOUT_USEC="))
        // Not even a reload makes it say so.
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(milestones(manager.all).isEmpty)
        #expect(unlink(filler) == 0)
        try manager.wait(for: "READY=1")
        #expect(try daemon.stop() == .exited(0))
        #expect(milestones(manager.all) == ["READY=1", "STOPPING=1"])
    }

    /// Writes until so little is free.
    private func fill(_ path: String, leavingBytes left: UInt) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let piece = [UInt8](repeating: 0, count: 65_536)
        var space = statvfs()
        while fstatvfs(descriptor, &space) == 0, UInt(space.f_bavail) * UInt(space.f_frsize) > left {
            try #require(write(descriptor, piece, piece.count) == piece.count)
        }
    }

    @Test("nothing, where nobody asks") func silent() throws {
        let daemon = try DaemonProcess(in: home)
        #expect(try daemon.command("reload").ending == .exited(0))
        #expect(try daemon.stop() == .exited(0))
        #expect(manager.all.isEmpty)
    }

    // MARK: The watchdog

    /// A debugger may not be allowed here, and a container may keep it from us.
    static let canHold: Bool = {
        guard let process = try? SpawnedProcess("/bin/cat", ["/dev/zero"], readsOutput: false) else { return false }
        return (try? StuckThread("cat", of: process.pid).letGo()) != nil
    }()

    @Test(
        "that it lives, while every loop turns", .enabled(if: canHold, "needs ptrace"),
        arguments: ["shard 0", "admin 0"]) func watchdog(_ thread: String) throws
    {
        let daemon = try start(watchdogMicroseconds: 200_000)
        try manager.wait(for: "WATCHDOG=1", count: 3)
        let stuck = try StuckThread(thread, of: daemon.process.pid)
        // An answer that was under way may still come.
        _ = manager.isSilent(about: "WATCHDOG=1", seconds: 1)
        #expect(manager.isSilent(about: "WATCHDOG=1", seconds: 1), "for ten times as long as it usually takes")
        try stuck.letGo()
        let before = manager.all.count { $0 == "WATCHDOG=1" }
        try manager.wait(for: "WATCHDOG=1", count: before + 2)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("that it lives, for as long as it takes to stop") func stopping() throws {
        let daemon = try start(Settings(limits: ["drain_timeout": "\"2s\""]), watchdogMicroseconds: 200_000)
        let connection = try daemon.connect()
        try connection.send("POST /callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        try manager.wait(for: "READY=1")
        daemon.process.signal(SIGTERM)
        try manager.wait(for: "STOPPING=1")
        let before = manager.all.count { $0 == "WATCHDOG=1" }
        try manager.wait(for: "WATCHDOG=1", count: before + 2)
        #expect(try daemon.process.wait() == .exited(0))
    }
}

private func monotonicMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
