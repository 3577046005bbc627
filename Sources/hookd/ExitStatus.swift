// How hookd's commands end, after sysexits(3): scripts and systemd read these numbers.

import ArgumentParser
import Glibc

extension ExitCode {
    /// The command line cannot be followed (EX_USAGE).
    static let wrongUsage = ExitCode(EX_USAGE)
    /// The daemon, or whoever was to be asked, cannot be reached (EX_UNAVAILABLE).
    static let unreachable = ExitCode(EX_UNAVAILABLE)
    /// It would work later (EX_TEMPFAIL).
    static let tryAgain = ExitCode(EX_TEMPFAIL)
    /// The configuration cannot be used (EX_CONFIG).
    static let badConfiguration = ExitCode(EX_CONFIG)
}

/// Tells on stderr why a command ends, and returns with what status.
///
///     throw failure("no answer from \(url)", .unreachable)
func failure(_ message: String, _ status: ExitCode = .failure) -> ExitCode {
    Output.error.write(line: "hookd: \(message)")
    return status
}
