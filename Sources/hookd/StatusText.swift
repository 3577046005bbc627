// The status for people: a screen of 80 columns, the trouble first.

import Daemon

/// The status as lines.
struct StatusText {
    private static let columns = 80

    /// A certificate that ends within so many seconds is told of.
    private static let certificateWarning = 14.0 * 86_400

    private(set) var text = ""
    private let status: DaemonStatus
    private let coloured: Bool

    init(_ status: DaemonStatus, coloured: Bool) {
        self.status = status
        self.coloured = coloured
        let head = "hookd \(status.version), process \(status.pid), up \(Self.duration(Double(status.uptimeSeconds)))"
        add(head + (status.problem == nil ? ": stores callbacks" : ": " + marked("DOES NOT STORE CALLBACKS")))
        if let problem = status.problem { add("  " + escapingControls(problem)) }
        if let reload = status.configuration.lastReload, let refusal = reload.refusal {
            add(marked("reload refused") + " at \(reload.at): the old configuration is in force")
            for line in refusal.split(separator: "\n").prefix(5) { add("  " + escapingControls(String(line))) }
        }
        let addresses = status.listeners.map { escapingControls($0.address) + ($0.tls ? " (TLS)" : "") }
        add("listens on " + addresses.joined(separator: ", "))
        for certificate in status.listeners.flatMap({ $0.certificates ?? [] }) { add(certificate) }
        add("")
        for endpoint in status.endpoints { add(endpoint) }
        if !status.sinks.isEmpty { add("") }
        for sink in status.sinks { add(sink) }
        for tail in status.tails ?? [] { add(tail.text) }
        add("")
        let free = status.store.freeBytes.map { ", \(Self.size($0)) free on its disk" } ?? ""
        add("store: \(Self.count(status.store.events, "event")) in \(Self.size(status.store.bytes))\(free)")
        if status.store.quarantined > 0 {
            add("  \(status.store.quarantined) in quarantine: hookd quarantine list")
        }
    }

    private mutating func add(_ certificate: DaemonStatus.Certificate) {
        guard let age = status.age(of: certificate.notAfter), -age < Self.certificateWarning else { return }
        let end = age < 0 ? "ends in \(Self.duration(-age))" : "ENDED \(Self.duration(age)) ago"
        add("  \(escapingControls(certificate.source)): the certificate " + marked(end))
    }

    private mutating func add(_ endpoint: DaemonStatus.Endpoint) {
        add("endpoint \(escapingControls(endpoint.path)): \(lastEvent(endpoint))")
        let order = ["stored", "duplicate"]
        let others = endpoint.outcomes.filter { !order.contains($0.key) && $0.value > 0 }.sorted { $0.key < $1.key }
        let shown = order.map { ($0, endpoint.outcomes[$0] ?? 0) } + others.map { ($0.key, $0.value) }
        add("  " + shown.map { "\($0.1) \(escapingControls($0.0))" }.joined(separator: ", "))
    }

    private func lastEvent(_ endpoint: DaemonStatus.Endpoint) -> String {
        guard let time = endpoint.lastEvent else { return "no event since the start" }
        guard let age = status.age(of: time) else { return "last event at \(time)" }
        return "last event \(Self.duration(max(0, age))) ago, at \(time)"
    }

    private mutating func add(_ sink: DaemonStatus.Sink) {
        var state = sink.backlogEvents == 0 ? "has all events" : Self.count(sink.backlogEvents, "event") + " behind"
        if sink.lagSeconds >= 1 { state += ", the oldest for \(Self.duration(sink.lagSeconds))" }
        if sink.redeliveries > 0 { state += ", \(sink.redeliveries) to take again" }
        if sink.paused { state += "; " + marked("PAUSED") }
        add("sink \(escapingControls(sink.name)) (\(escapingControls(sink.type))): \(state)")
        if let error = sink.lastError {
            let age = sink.failingSince.flatMap { status.age(of: $0) }
            let duration = age.map { " for \(Self.duration(max(0, $0)))" } ?? ""
            add("  " + marked("failing") + "\(duration): " + escapingControls(error))
        }
        if sink.deadLetters > 0 {
            let name = escapingControls(sink.name)
            add("  \(Self.count(sink.deadLetters, "dead letter")): hookd dead-letters list --sink \(name)")
        }
    }

    /// Adds a line, broken between words where it is too long.
    private mutating func add(_ line: String) {
        text += wrapped(line, at: Self.columns, indent: line.prefix { $0 == " " }.count + 2) + "\n"
    }

    private func marked(_ text: String) -> String { coloured ? "\u{1B}[31;1m\(text)\u{1B}[0m" : text }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// A duration in its two largest units.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds)
        let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { whole >= $0.1 }) else { return "\(whole) s" }
        let (name, length) = units[first]
        let rest = whole % length
        guard first + 1 < units.count, rest / units[first + 1].1 > 0 else { return "\(whole / length) \(name)" }
        return "\(whole / length) \(name) \(rest / units[first + 1].1) \(units[first + 1].0)"
    }

    /// A size in its largest unit, with one digit behind the point.
    static func size(_ bytes: Int) -> String {
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)]
        guard let (name, length) = units.first(where: { bytes >= $0.1 }) else { return "\(bytes) B" }
        return "\(bytes / length).\(bytes % length * 10 / length) \(name)"
    }
}
