// The timestamp: whole seconds in plain decimal, and how far from the clock they may be.

import Callbacks
import Testing

@Suite("B23: the timestamp") struct TimestampTests {
    static let late = Verdict.genuine(late: true, secret: 0)
    static let malformed = Verdict.malformed(.timestamp)

    // Each is signed with the text as it stands: only its form or its distance from the clock can be wrong.
    static let texts: [(text: String, expected: Verdict, why: String)] = [
        ("1634579353", .genuine, "seconds, now"),
        ("0", late, "the start of 1970"),
        ("1634579353000", late, "milliseconds are a time far away, not guessed at"),
        ("999999999999999", late, "15 digits"),
        ("1634582953", late, "an hour ahead"),
        ("1000000000000000", malformed, "16 digits"),
        ("9223372036854775807", malformed, "the largest of 64 bits"),
        ("9223372036854775808", malformed, "one more than 64 bits hold"),
        ("18446744073709551617", malformed, "wraps around to 1"),
        ("00000000001634579353", malformed, "many leading zeros"),
        ("01634579353", malformed, "a leading zero: two texts for one number"),
        ("00", malformed, "zero has one text"),
        ("-1", malformed, "negative"),
        ("-1634579353", malformed, "negative"),
        ("+1634579353", malformed, "a sign, which Int(_:) would take"),
        ("+1", malformed, "a sign"),
        ("2021-10-18T17:49:13Z", malformed, "ISO 8601"),
        ("Mon, 18 Oct 2021 17:49:13 GMT", malformed, "a date of HTTP"),
        ("1634579353.0", malformed, "a fraction"),
        ("1634579353.5", malformed, "a fraction, and a dot"),
        ("1.634579353e9", malformed, "an exponent"),
        ("0x616DB2D9", malformed, "hexadecimal"),
        ("1_634_579_353", malformed, "underscores"),
        ("1,634,579,353", malformed, "commas"),
        (" 1634579353", malformed, "a space in front"),
        ("1634579353 ", malformed, "a space behind"),
        ("16345 79353", malformed, "a space inside"),
        ("1634579353\n", malformed, "a newline"),
        ("1634579353\u{0}", malformed, "a NUL"),
        ("١٦٣٤٥٧٩٣٥٣", malformed, "digits of another script"),
        ("", malformed, "empty"),
        ("now", malformed, "a word"),
        (":", malformed, "the character behind 9"),
        ("/", malformed, "the character before 0"),
    ]

    @Test("is seconds in plain decimal", arguments: texts)
    func text(_ text: String, _ expected: Verdict, _ why: String) throws {
        #expect(try SignedCallback(timestamp: Array(text.utf8)).verdict() == expected)
    }

    @Test("takes no byte but digits") func alphabet() throws {
        for byte in UInt8.min...UInt8.max {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            let callback = try SignedCallback(timestamp: Array("163457935".utf8) + [byte])
            #expect(try callback.verdict() == (isDigit ? .genuine : Self.malformed), "byte \(byte)")
        }
    }

    @Test(
        "is in the window up to the tolerance, in both directions",
        arguments: [
            (300, 0, false), (300, 299, false), (300, 300, false), (300, 301, true), (300, 86_400, true),
            (300, -299, false), (300, -300, false), (300, -301, true), (300, -86_400, true),
            (0, 0, false), (0, 1, true), (0, -1, true),
        ] as [(Int64, Int64, Bool)])
    func window(_ tolerance: Int64, _ age: Int64, _ isLate: Bool) throws {
        var callback = try SignedCallback()
        callback.toleranceSeconds = tolerance
        callback.now += age
        #expect(try callback.verdict() == .genuine(late: isLate, secret: 0))
    }

    @Test("is not looked at before the signature is right") func lateAndForged() throws {
        var callback = try SignedCallback()
        callback.now += 86_400
        callback.body.append(0x20)
        #expect(try callback.verdict() == .wrongSignature)
    }
}
