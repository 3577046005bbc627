// The text of /metrics, read by its rules and not by how hookd writes it.

import Foundation

/// Metrics, read back.
struct MetricLines {
    /// By name.
    private(set) var types: [String: String] = [:]
    /// By name and labels, as they are written.
    private(set) var series: [String: Double] = [:]

    /// Throws what a reader would choke on: a metric told of twice or not at all, a series twice, a line that is none.
    init(_ text: String) throws {
        var helped: Set<String> = []
        guard text.hasSuffix("\n") else { throw Failure("the last line has no end") }
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: /# HELP ([a-z_]+) (.+)/) {
                guard helped.insert(String(match.1)).inserted else { throw Failure("told of twice: \(line)") }
            } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
                guard helped.contains(String(match.1)),
                    types.updateValue(String(match.2), forKey: String(match.1)) == nil
                else { throw Failure("typed twice, or before its help: \(line)") }
            } else {
                try add(line)
            }
        }
    }

    private mutating func add(_ line: Substring) throws {
        let pattern = /([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9.e+-]+|\+Inf)/
        guard let match = line.wholeMatch(of: pattern), let value = Double(match.3) else {
            throw Failure("no line of metrics: \(line)")
        }
        let name = String(match.1)
        let parts = ["_bucket", "_sum", "_count"].filter { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
        let isPart = parts.contains { types[$0] == "histogram" }
        guard types[name] != nil || isPart else { throw Failure("of no type: \(line)") }
        guard series.updateValue(value, forKey: name + (match.2.map(String.init) ?? "")) == nil else {
            throw Failure("twice: \(line)")
        }
    }

    subscript(name: String) -> Double? { series[name] }
}
