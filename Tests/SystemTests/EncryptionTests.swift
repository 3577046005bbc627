// HTTPS with the clients that people have: curl and openssl.

import Foundation
import TestAuthority
import Testing

@Suite("HTTPS") struct EncryptionTests {
    /// A home with an authority's certificate, and one for `localhost` by it.
    private static func home() throws -> (DaemonHome, authority: Issued) {
        let home = try DaemonHome()
        let authority = try Issued("authority", isAuthority: true)
        try home.directory.write(authority.certificate, to: "ca.pem")
        try install(try site("first", by: authority), in: home)
        return (home, authority)
    }

    private static func site(_ name: String, by authority: Issued) throws -> Issued {
        try Issued(name, names: "DNS:localhost,IP:127.0.0.1", by: authority)
    }

    private static func install(_ site: Issued, in home: DaemonHome) throws {
        try home.directory.write(site.certificate, to: "site.pem")
        try home.directory.write(site.key, to: "site.key")
    }

    private static let settings = Settings(listeners: [
        #"""
        {"address": "127.0.0.1:0",
         "tls": {"certificates": [{"certificate": "site.pem", "key": {"file": "site.key"}}]}}
        """#
    ])

    /// The port of the listener behind the plain one.
    private static func encryptedPort(of daemon: DaemonProcess) throws -> UInt16 {
        let line = daemon.process.errors.text
        let match = try #require(line.firstMatch(of: /listening on 127\.0\.0\.1:\d+, 127\.0\.0\.1:(\d+)/))
        return try #require(UInt16(match.1))
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let result = try SpawnedProcess("/usr/bin/\(program)", arguments).finish()
        return result.output + result.errors
    }

    private static func curl(_ daemon: DaemonProcess, _ arguments: [String]) throws -> String {
        let url = "https://localhost:\(try encryptedPort(of: daemon))/callbacks"
        let always = ["--silent", "--show-error", "--http1.1", "--cacert", daemon.home.directory.file("ca.pem")]
        return try run("curl", always + arguments + [url])
    }

    private static func openssl(_ daemon: DaemonProcess, _ arguments: [String] = []) throws -> String {
        let peer = "localhost:\(try encryptedPort(of: daemon))"
        let always = [
            "s_client", "-connect", peer, "-CAfile", daemon.home.directory.file("ca.pem"), "-alpn", "http/1.1",
        ]
        return try run("openssl", always + arguments)
    }

    @Test("curl sends a callback over it, and it is stored") func curl() throws {
        let (home, _) = try Self.home()
        let daemon = try DaemonProcess(in: home, Self.settings)
        defer { try? daemon.kill() }
        let callback = try SignedCallback.unique()
        try home.directory.write(String(decoding: callback.body, as: UTF8.self), to: "body.json")
        let fields = callback.headers.flatMap { ["--header", "\($0.name): \($0.value)"] }
        let answer = try Self.curl(daemon, fields + ["--data-binary", "@" + home.directory.file("body.json")])
        #expect(answer.contains(#""status":"stored""#))
        #expect(try storedEvents(in: home).count == 1)
    }

    @Test("openssl agrees on TLS 1.3 and http/1.1, and trusts the certificate") func openssl() throws {
        let (home, _) = try Self.home()
        let daemon = try DaemonProcess(in: home, Self.settings)
        defer { try? daemon.kill() }
        let session = try Self.openssl(daemon)
        #expect(session.contains("TLSv1.3"))
        #expect(session.contains("ALPN protocol: http/1.1"))
        #expect(session.contains("Verification: OK"))
        #expect(try Self.openssl(daemon, ["-tls1_2"]).contains("TLSv1.2"))
        let old = try Self.openssl(daemon, ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"])
        #expect(old.contains("alert protocol version"))
    }

    @Test("SIGHUP brings a new certificate into force, and a bad one leaves the old in force") func reload() throws {
        let (home, authority) = try Self.home()
        let daemon = try DaemonProcess(in: home, Self.settings)
        defer { try? daemon.kill() }
        #expect(try Self.openssl(daemon).contains("CN = first"))
        try Self.install(try Self.site("second", by: authority), in: home)
        #expect(try Self.openssl(daemon).contains("CN = first"), "nothing changes by itself")
        daemon.process.signal(SIGHUP)
        _ = try daemon.process.errors.wait("the new certificate") { text in
            text.contains("is in force; the first certificate ends on") ? true : nil
        }
        #expect(try Self.openssl(daemon).contains("CN = second"))

        try home.directory.write(try Self.site("third", by: authority).certificate, to: "site.pem")
        daemon.process.signal(SIGHUP)
        let told = try daemon.process.errors.wait("what is wrong") { text in
            text.split(separator: "\n").first { $0.contains("the old configuration stays in force") }
        }
        #expect(told?.contains("is not the key of the certificate") == true)
        #expect(told?.contains("tls.certificates[0].key") == true)
        #expect(try Self.openssl(daemon).contains("CN = second"))
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("a key that cannot be read to its end keeps nobody from stopping the daemon") func hangingReload() throws {
        let (home, _) = try Self.home()
        let daemon = try DaemonProcess(in: home, Self.settings)
        defer { try? daemon.kill() }
        try FileManager.default.removeItem(atPath: home.directory.file("site.key"))
        #expect(mkfifo(home.directory.file("site.key"), 0o600) == 0)
        daemon.process.signal(SIGHUP)
        #expect(try daemon.stop() == .exited(0))
    }

    @Test("a certificate that has ended is refused before the start") func ended() throws {
        let (home, authority) = try Self.home()
        let site = try Issued("late", names: "DNS:localhost", ends: 1_700_000_000, by: authority)
        try Self.install(site, in: home)
        let result = try home.serveToEnd(Self.settings)
        #expect(result.ending == .exited(78))
        #expect(result.errors.contains("listen[1].tls.certificates[0].certificate"))
        #expect(result.errors.contains("ended on 2023-11-14"))
    }
}
