// What the admin listener answers: what concerns the running daemon here, what concerns its store at the operator's
// desk.

import Metrics

/// Answers the questions to the admin listener.
struct AdminDesk: Sendable {
    let inspection: Inspection
    let operators: OperatorDesk
    /// Puts the configuration file in force.
    let reload: @Sendable () -> Reloading.Verdict

    /// Answers a question. Blocks for as long as what is asked takes.
    func answer(_ request: AdminRequest) -> AdminAnswer {
        switch (request.method, request.path) {
        case (.get, "/readyz"): readiness()
        case (.get, "/status"): AdminAnswer(200, StatusReport(inspection, probes: true).json)
        case (.get, "/metrics"):
            AdminAnswer(status: 200, text: MetricsPage(inspection).text, contentType: MetricsText.contentType)
        case (.post, "/reload"): reloading()
        case (.post, "/healthz"), (.post, "/readyz"), (.post, "/status"), (.post, "/metrics"):
            .error(405, "this is asked by GET")
        case (.get, "/reload"): .error(405, "this is asked by POST")
        default: operators.answer(request)
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
        case .refused(let reason): return .error(409, reason)
        case .inForce(let changes):
            return AdminAnswer(
                200, .object([("status", .string("in force")), ("changes", .array(changes.map { .string($0) }))]))
        }
    }
}
