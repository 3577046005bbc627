// What is wrong with a configuration, told so that it can be put right: file, line, key, what was found, what
// was expected. Problems are collected, not thrown one by one, so that one run of `hookd check` shows them all.

/// One thing wrong with a configuration. `description` is the line for the operator.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The configuration file, as it was named.
    public var file: String
    /// The line in it, from 1; nil where the problem is not of one line.
    public var line: Int?
    /// The path of the key, such as `sinks.crm.url`; empty for the file as a whole.
    public var path: String
    /// What is there, escaped for printing. Never a secret.
    public var found: String
    /// What should be there.
    public var expected: String

    /// `FILE:LINE: PATH: found …; expected ….`, without what is not known.
    public var description: String {
        "\(place(file, line, path)): found \(found); expected \(expected)."
    }
}

/// Something in a configuration that works and is probably not meant.
public struct ConfigurationWarning: Equatable, Sendable, CustomStringConvertible {
    /// The configuration file, as it was named.
    public var file: String
    /// The line in it, from 1; nil where the warning is not of one line.
    public var line: Int?
    /// The path of the key; empty for the file as a whole.
    public var path: String
    /// What to know, a sentence.
    public var message: String

    /// `FILE:LINE: PATH: warning: ….`, without what is not known.
    public var description: String {
        "\(place(file, line, path)): warning: \(message)"
    }
}

/// Everything that is wrong with a configuration; never empty.
public struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// The problems, in the order of the file as far as they have a place in it.
    public var problems: [ConfigurationProblem]

    /// One line for each problem.
    public var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

private func place(_ file: String, _ line: Int?, _ path: String) -> String {
    var place = escapingControls(file)
    if let line { place += ":\(line)" }
    if !path.isEmpty { place += ": \(path)" }
    return place
}

/// Gathers what is wrong while one configuration is read.
final class ProblemCollector {
    let file: String
    private var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationWarning] = []

    init(file: String) {
        self.file = file
    }

    func refuse(line: Int? = nil, path: String, found: String, expected: String) {
        problems.append(ConfigurationProblem(file: file, line: line, path: path, found: found, expected: expected))
    }

    func warn(line: Int? = nil, path: String, _ message: String) {
        warnings.append(ConfigurationWarning(file: file, line: line, path: path, message: message))
    }

    /// Throws what was gathered, if anything was.
    func throwIfAny() throws(ConfigurationErrors) {
        guard !problems.isEmpty else { return }
        // By line, as one walks through the file; sorting pairs keeps the order within a line.
        let sorted = problems.enumerated().sorted { one, other in
            (one.element.line ?? 0, one.offset) < (other.element.line ?? 0, other.offset)
        }
        throw ConfigurationErrors(problems: sorted.map(\.element))
    }
}
