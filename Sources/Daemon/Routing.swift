// Which sinks would get a callback: for `hookd check --sample`.

import Delivery
import Events

extension Configuration {
    /// For each endpoint, the sinks that would get a callback with this body, and those that would not; a line each.
    public func routing(ofBody body: [UInt8]) throws(CloudEventEncoderError) -> String {
        let encoder = try CloudEventEncoder()
        var lines: [String] = []
        for endpoint in endpoints {
            let path = Array(endpoint.path.utf8)
            let traits = EventTraits(encoder.facts(receivedAt: 0, endpoint: path.span, body: body.span))
            lines.append("\(endpoint.path): \(escapingControls(traits.type))")
            for sink in endpoint.sinks.compactMap({ name in sinks.first { $0.name == name } }) {
                lines.append("  \(sink.name): \(sink.reasonAgainst(traits, endpoint.path) ?? "gets it")")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Configuration.Sink {
    /// Why the sink would not get an event; nil where it would.
    fileprivate func reasonAgainst(_ traits: EventTraits, _ endpoint: String) -> String? {
        if let endpoints, !endpoints.contains(endpoint) { return "does not get it: `endpoints` leaves this one out" }
        for (key, part) in [("types", \EventChoice.types), ("channels", \.channels), ("apps", \.apps)] {
            var only = EventChoice()
            only[keyPath: part] = choice[keyPath: part]
            if !only.includes(traits) { return "does not get it, because of `\(key)`" }
        }
        return nil
    }
}
