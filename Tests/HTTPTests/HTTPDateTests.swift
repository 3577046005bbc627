// The date of an answer: known moments, and the calendar of the C library for all the others.

import Glibc
import HTTP
import Testing

@Suite("The date of an answer (RFC 9110 §5.6.7)") struct HTTPDateTests {
    static let known: [(seconds: Int64, text: String, why: String)] = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", "the first second"),
        (86_399, "Thu, 01 Jan 1970 23:59:59 GMT", "the last of a day"),
        (86_400, "Fri, 02 Jan 1970 00:00:00 GMT", "and the first of the next"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "the example of the RFC"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "a leap day: 2000 is divisible by 400"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT", "the day behind it"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT", "a leap day"),
        (1_634_579_353, "Mon, 18 Oct 2021 17:49:13 GMT", "when Sinch's sample was signed"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT", "more seconds than 31 bits hold"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT", "2100 has no leap day"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "it goes on with March"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT", "the last with four digits"),
    ]

    @Test("known moments", arguments: known) func knownMoments(_ seconds: Int64, _ text: String, _ why: String) {
        #expect(date(seconds) == text)
    }

    @Test("every day from 1970 to 2400, at changing times of day") func everyDay() {
        for day in 0..<157_000 as Range<Int64> {
            let seconds = day * 86_400 + day * 7919 % 86_400
            let (found, expected) = (date(seconds), libraryDate(seconds))
            if found != expected {
                #expect(found == expected)
                return
            }
        }
    }

    /// The date as an answer carries it.
    private func date(_ seconds: Int64) -> String {
        var bytes: [UInt8] = []
        Response(status: 200).serialize(
            to: &bytes, date: HTTPDate(unixSeconds: seconds), isHead: false, closes: false)
        let start = "HTTP/1.1 200 OK\r\nDate: ".utf8.count
        return String(decoding: bytes.dropFirst(start).prefix { $0 != 0x0d }, as: UTF8.self)
    }

    private func libraryDate(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
