// What the admin listener answers: what concerns the running daemon here, what concerns its store at the operator's
// desk.

import Metrics

/// Answers the questions to the admin listener.
struct AdminDesk: Sendable {
    let inspection: Inspection
    let operators: OperatorDesk
    let feeds: EventFeeds
    /// Puts the configuration file in force.
    let reload: @Sendable () -> Reloading.Verdict

    /// Answers a question. Blocks for as long as what is asked takes.
    func answer(_ request: AdminRequest) -> AdminAnswer {
        switch (request.method, request.path) {
        case (.get, "/readyz"): readiness()
        case (.get, "/status"): AdminAnswer(200, StatusReport(inspection).json)
        case (.get, "/metrics"):
            AdminAnswer(status: 200, text: MetricsPage(inspection).text, contentType: MetricsText.contentType)
        case (.post, "/reload"): reloading()
        case (.get, "/events"): stream(request, tail: nil)
        case (.post, "/healthz"), (.post, "/readyz"), (.post, "/status"), (.post, "/metrics"), (.post, "/events"):
            .error(405, "this is asked by GET")
        case (.get, "/reload"): .error(405, "this is asked by POST")
        default:
            if let name = Self.streamedTail(request) {
                stream(request, tail: name)
            } else {
                operators.answer(request)
            }
        }
    }

    /// The named tail whose events are asked for, by `/tails/NAME/events`.
    private static func streamedTail(_ request: AdminRequest) -> String? {
        let parts = request.path.split(separator: "/")
        guard request.method == .get, parts.count == 3, parts[0] == "tails", parts[2] == "events" else { return nil }
        return String(parts[1])
    }

    private func stream(_ request: AdminRequest, tail: String?) -> AdminAnswer {
        do throws(AdminRefusal) {
            return AdminAnswer(try feeds.begin(EventFeed.Order(request, tail: tail, inspection.store)))
        } catch {
            return .error(error.status, error.message)
        }
    }

    private func readiness() -> AdminAnswer {
        guard let problem = inspection.whyNotReady() else {
            return AdminAnswer(200, .object([("status", .string("ready"))]))
        }
        return AdminAnswer(503, .object([("status", .string("not ready")), ("problem", .string(problem))]))
    }

    private func reloading() -> AdminAnswer {
        switch reload() {
        case .refused(let reason, let isPassing): return .error(isPassing ? 503 : 409, reason)
        case .inForce(let changes):
            return AdminAnswer(
                200, .object([("status", .string("in force")), ("changes", .array(changes.map { .string($0) }))]))
        }
    }
}
