// Header values as the HTTP binding of CloudEvents wants them.

import Events
import Testing

@Suite("Header values (CloudEvents HTTP binding §3.1.3.2)") struct PercentEncodingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let value: String, header: String, why: String
        var testDescription: String { why }
        init(_ value: String, _ header: String, _ why: String) {
            (self.value, self.header, self.why) = (value, header, why)
        }
    }

    @Test(
        "are encoded",
        arguments: [
            Case("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80", "the example of the binding"),
            Case("a\"b%c", "a%22b%25c", "quotation mark and percent sign"),
            Case("100%25", "100%2525", "what is encoded is encoded again"),
            Case("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "all else that is printable"),
            Case("a\r\nb\u{0}\u{7F}\t", "a%0D%0Ab%00%7F%09", "what would end the header"),
            Case("", "", "nothing"),
        ]) func areEncoded(_ c: Case)
    {
        #expect(percentEncodedHeaderValue(c.value) == c.header)
    }
}
