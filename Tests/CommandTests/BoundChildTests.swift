// A child that ends with whoever started it. That it does is seen in SystemTests, with a selftest that is killed.

import Foundation
import Glibc
import Testing

@testable import hookd

@Suite("A bound child") struct BoundChildTests {
    /// Runs a script of the shell, and returns what it wrote to its standard error, and its wait status.
    private func run(_ script: String, parent: pid_t = getpid()) throws -> (errors: String, status: Int32) {
        let pipe = Pipe()
        let child = try startBoundChild(
            "/bin/sh", ["sh", "-c", script], errors: pipe.fileHandleForWriting.fileDescriptor, parent: parent)
        try pipe.fileHandleForWriting.close()
        let errors = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return (errors, status)
    }

    @Test("reads nothing, prints into its standard error, and tells its status") func plain() throws {
        let (errors, status) = try run("cat; echo out; echo said >&2; exit 3")
        #expect(errors == "said\n" && status >> 8 == 3)
    }

    @Test("has a process group of its own, and the signals as by default") func signals() throws {
        // Its number and its group's; then what it blocks and what it ignores: proc(5).
        let group = try run("cut -d' ' -f1,5 /proc/$$/stat >&2").errors.split { $0.isWhitespace }
        #expect(group.count == 2 && group.first == group.last)
        let masks = try run("exec grep -E '^Sig(Blk|Ign):' /proc/self/status >&2").errors.split(separator: "\n")
        #expect(masks.count == 2)
        for mask in masks {
            let bits = try #require(mask.split { $0.isWhitespace }.last.flatMap { UInt64($0, radix: 16) })
            // The first two behind the 31 of the standard are glibc's own.
            #expect(bits & ~(0b11 << 31) == 0, "\(mask)")
        }
    }

    @Test("does not begin where its parent is gone already") func orphan() throws {
        // As init is the parent of whoever has lost his own.
        let (errors, status) = try run("echo said >&2", parent: 1)
        #expect(errors == "" && status >> 8 == 127)
    }
}
