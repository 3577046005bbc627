// Text from outside cannot move the cursor, forge a line or turn the direction of writing.

import Testing

@testable import Daemon

@Suite struct EscapingTests {
    @Test(arguments: [
        ("plain text", "plain text"), ("Grüße 👋 שלום", "Grüße 👋 שלום"), ("", ""),
        ("a\nb\r\nc\td", #"a\nb\r\nc\td"#),
        ("\u{1B}[31mred", #"\u001b[31mred"#), ("bell\u{7}\u{0}", #"bell\u0007\u0000"#), ("del\u{7F}", #"del\u007f"#),
        ("c1\u{80}\u{9B}31m\u{9F}", #"c1\u0080\u009b31m\u009f"#), ("nbsp\u{A0}", "nbsp\u{A0}"),
        ("\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}txt.exe", #"\u202a\u202b\u202c\u202d\u202etxt.exe"#),
        ("\u{2066}\u{2067}\u{2068}\u{2069}", #"\u2066\u2067\u2068\u2069"#),
        ("\u{200E}\u{200F}\u{061C}", #"\u200e\u200f\u061c"#), ("\u{2028}\u{2029}", #"\u2028\u2029"#),
        ("zero\u{200D}joiner\u{2065}\u{206A}", "zero\u{200D}joiner\u{2065}\u{206A}"),
        (#"say "a\b""#, #"say "a\b""#),
        // A carriage return and a newline are one character to Swift, and two here.
        ("e\u{301}\r\n", #"e\#u{301}\r\n"#),
    ])
    func controlsAreShown(_ text: String, _ escaped: String) {
        #expect(Array(escapingControls(text).unicodeScalars) == Array(escaped.unicodeScalars))
    }

    @Test(arguments: ["", "plain", #"say "a\b""#, "a\nb\r\n\u{1B}\u{202E}\u{0}", "Grüße 👋"])
    func quotedTextIsJSON(_ text: String) throws {
        let quoted = quoted(text.replacing("\u{0}", with: ""))
        #expect(try JSONParser.parse(Array(quoted.utf8)).value == .string(text.replacing("\u{0}", with: "")))
        #expect(!quoted.unicodeScalars.contains(where: isUnprintable))
    }
}
