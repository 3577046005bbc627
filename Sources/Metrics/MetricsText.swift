// Metrics as Prometheus reads them: the text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).

/// What kind of metric it is.
public enum MetricKind: String, Sendable {
    /// Rises, and begins at 0 when the process does.
    case counter
    /// Rises and falls.
    case gauge
}

/// Writes metrics, each with all its series at once.
public struct MetricsText: Sendable {
    /// The media type of the text.
    public static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// What was written so far.
    public private(set) var text = ""

    /// A label's name and value. Values are from outside, names are ours.
    public typealias Labels = KeyValuePairs<String, String>

    /// Begins with nothing.
    public init() {}

    /// A metric with one series.
    public mutating func add(_ name: String, _ kind: MetricKind, _ help: String, _ value: Double?) {
        add(name, kind, help) { series in if let value { series.add([:], value) } }
    }

    /// A metric with any number of series. Left out where there is none.
    public mutating func add(_ name: String, _ kind: MetricKind, _ help: String, _ fill: (inout Series) -> Void) {
        var series = Series(name: name)
        fill(&series)
        guard !series.lines.isEmpty else { return }
        begin(name, kind.rawValue, help)
        text += series.lines
    }

    /// A histogram with one series.
    ///
    /// - Parameter unitsInOne: how many units of the values make one of the metric's: 1e9 for nanoseconds as seconds.
    public mutating func add(_ name: String, _ help: String, _ values: HistogramValues, unitsInOne: Double) {
        begin(name, "histogram", help)
        var count = 0
        var series = Series(name: name + "_bucket")
        for (index, bound) in values.bounds.enumerated() {
            count += values.counts[index]
            series.add(["le": Self.text(of: Double(bound) / unitsInOne)], Double(count))
        }
        count += values.counts.last ?? 0
        series.add(["le": "+Inf"], Double(count))
        text += series.lines
        text += "\(name)_sum \(Self.text(of: Double(values.sum) / unitsInOne))\n\(name)_count \(count)\n"
    }

    private mutating func begin(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n"
    }

    /// The series of one metric.
    public struct Series {
        let name: String
        fileprivate var lines = ""
        private var seen: Set<String> = []

        fileprivate init(name: String) {
            self.name = name
        }

        /// Adds a series. One with the same labels as one before it is left out: it would make all of the text invalid.
        public mutating func add(_ labels: Labels, _ value: Double) {
            let inside = labels.map { "\($0.key)=\"\(MetricsText.escaped($0.value, quotes: true))\"" }
            let series = name + (inside.isEmpty ? "" : "{" + inside.joined(separator: ",") + "}")
            if seen.insert(series).inserted { lines += "\(series) \(MetricsText.text(of: value))\n" }
        }
    }

    /// A backslash, a line feed, and in a label's value a double quote would end what they stand in.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: escaped.append(contentsOf: "\\\"".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    /// The shortest text that reads back as the same number, whole numbers without a point.
    private static func text(of value: Double) -> String {
        guard let whole = Int64(exactly: value) else { return "\(value)" }
        return "\(whole)"
    }
}
