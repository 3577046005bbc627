// Going on from an earlier session: across replaced certificates and changed keys, and not past a demand.

import CTLSClient
import TestAuthority
import Testing

@testable import Server

@Suite("A TLS ticket") struct TLSTicketTests {
    let settings: TLSSettings
    let context: TLSContext

    init() throws {
        settings = TLSSettings(identities: [try Issued("first").identity()])
        context = try TLSContext(settings)
    }

    static let versions: [ClosedRange<Int32>] = [0x0303...0x0303, 0x0303...0x0304]

    private func ticket(_ versions: ClosedRange<Int32>, hours: Int64 = 0) throws -> ResumptionTicket {
        try #require(try TLSLink(context, ClientOptions(versions: versions), hours: hours).run().ticket)
    }

    /// Whether a session can go on by `ticket`; without it there must be a connection all the same.
    private func resumes(_ ticket: ResumptionTicket, _ versions: ClosedRange<Int32>, hours: Int64 = 0) throws -> Bool {
        let link = try TLSLink(context, ClientOptions(versions: versions), ticket: ticket, hours: hours).run()
        #expect(link.clientIsReady)
        #expect(link.server.isResumed == link.clientIsResumed)
        link.say([1, 2, 3])
        link.run()
        #expect(link.received == [1, 2, 3])
        return link.server.isResumed
    }

    @Test("resumes", arguments: versions) func resumes(_ versions: ClosedRange<Int32>) throws {
        #expect(try resumes(ticket(versions), versions))
    }

    @Test("resumes after certificates were replaced", arguments: versions)
    func afterReplacement(_ versions: ClosedRange<Int32>) throws {
        let ticket = try ticket(versions)
        try context.replace(with: TLSSettings(identities: [try Issued("second").identity()]))
        #expect(try resumes(ticket, versions))
    }

    @Test("is good for one more period of its key, and no longer", arguments: versions)
    func rotation(_ versions: ClosedRange<Int32>) throws {
        let ticket = try ticket(versions)
        #expect(try resumes(ticket, versions, hours: 11), "the same key")
        #expect(try resumes(ticket, versions, hours: 13), "the one before")
        #expect(try resumes(ticket, versions, hours: 23), "the one before, to its end")
        #expect(try !resumes(ticket, versions, hours: 25), "too old")
    }

    @Test("is replaced by one of the new key", arguments: versions)
    func renewal(_ versions: ClosedRange<Int32>) throws {
        let link = try TLSLink(context, ClientOptions(versions: versions), ticket: ticket(versions), hours: 13).run()
        #expect(link.server.isResumed)
        #expect(try resumes(try #require(link.ticket), versions, hours: 30))
    }

    @Test("is worth nothing after a night without a connection", arguments: versions)
    func longPause(_ versions: ClosedRange<Int32>) throws {
        #expect(try !resumes(ticket(versions), versions, hours: 40))
    }

    @Test("is worth nothing to another server", arguments: versions)
    func otherServer(_ versions: ClosedRange<Int32>) throws {
        let ticket = try ticket(versions)
        let link = try TLSLink(TLSContext(settings), ClientOptions(versions: versions), ticket: ticket).run()
        #expect(link.clientIsReady && !link.server.isResumed)
    }

    @Test("does not stand in for a certificate that is demanded since", arguments: versions)
    func newDemand(_ versions: ClosedRange<Int32>) throws {
        let ticket = try ticket(versions)
        var strict = settings
        strict.clientIssuers = Array(try Issued("issuer", isAuthority: true).certificate.utf8)
        try context.replace(with: strict)
        let link = try TLSLink(context, ClientOptions(versions: versions), ticket: ticket).run()
        #expect(link.failure?.kind == .clientCertificateMissing)
    }
}
