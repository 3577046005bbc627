// One daemon for all tests of a suite: `@Suite(.daemon()) struct … { @Test … { try SharedDaemon.current … } }`.

import Testing

/// Starts a daemon before a suite's first test and ends it after the last.
struct SharedDaemon: SuiteTrait, TestScoping {
    @TaskLocal private static var daemon: DaemonProcess?

    let settings: Settings

    /// The daemon of the suite that the running test belongs to.
    static var current: DaemonProcess {
        get throws {
            guard let daemon else { throw Failure("the suite has no .daemon() trait") }
            return daemon
        }
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let daemon = try DaemonProcess(settings)
        try await Self.$daemon.withValue(daemon, operation: function)
        let ending = try daemon.stop()
        #expect(ending == .exited(0), "\(daemon.process.errors.text)")
    }
}

extension Trait where Self == SharedDaemon {
    /// Gives the suite's tests one daemon.
    static func daemon(_ settings: Settings = Settings()) -> Self { SharedDaemon(settings: settings) }
}
