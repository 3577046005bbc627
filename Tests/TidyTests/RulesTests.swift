// What each rule must flag, and what it must leave alone.

import Testing

struct Row: CustomTestStringConvertible, Sendable {
    let text: String
    let isFlagged: Bool
    let why: String
    var testDescription: String { "\(why): \(text.debugDescription)" }

    static func flagged(_ text: String, _ why: String) -> Row { Row(text: text, isFlagged: true, why: why) }
    static func fine(_ text: String, _ why: String) -> Row { Row(text: text, isFlagged: false, why: why) }
}

@Suite struct RulesTests {
    static let trapRows: [Row] = [
        .flagged("let a = b!", "a name"),
        .flagged("let a = b!.c", "in a chain"),
        .flagged("call(b!, c)", "an argument"),
        .flagged("let a = f()!", "a result"),
        .flagged("let a = list[0]!", "an element"),
        .flagged("let a = `default`!", "a quoted name"),
        .flagged("let a = { 1 }()!", "a closure's result"),
        .flagged("let a = grüße!", "a name beyond ASCII"),
        .flagged("var a: Int!", "an implicitly unwrapped type"),
        .flagged("var a: Array<Int>!", "and a generic one"),
        .flagged("var a: Int! = nil", "and one with a value"),
        .flagged("let a = try! f()", "a forced try"),
        .flagged("let a = b as! Int", "a forced cast"),
        .flagged(#"let a = "\(b!)""#, "inside an interpolation"),
        .flagged("let a = #\"\\#(b!)\"#", "inside a raw string's interpolation"),
        .flagged(#"let a = "\(f("x")!)""#, "behind a string in an interpolation"),
        .flagged("/* fine */ a!", "behind a comment"),
        .flagged("let a = \"//\"; b!", "behind a string that looks like a comment"),
        .flagged("let a = #\"\"\"\n\"\"\n\"\"\"#\nb!", "behind a raw string of several lines"),
        .flagged("let a = #\"\\\"#; b!", "behind a raw string that ends in a backslash"),
        .flagged(#"fatalError("no")"#, "the end of the program"),
        .fine("if a != b {}", "a comparison"),
        .fine("if a !== b {}", "a comparison of identity"),
        .fine("if a!=b {}", "a comparison without blanks"),
        .fine("if !a, !f(), (!b) {}", "negations"),
        .fine("let a = [!b, !c]", "negations in a list"),
        .fine("#if !os(Linux)", "a condition"),
        .fine("let a = x &&!b", "a negation behind an operator"),
        .fine("// b! try! fatalError", "a comment"),
        .fine("/// b! as! C", "a doc comment"),
        .fine("/* b!\n/* c! */ d! */", "comments in a comment"),
        .fine(#"let a = "b! try! fatalError()""#, "a string"),
        .fine(#"let a = "\"b!\"""#, "a string with quotes in it"),
        .fine("let a = #\"b! \"c! \\(d!)\"#", "a raw string"),
        .fine("let a = \"\"\"\n  b! \"c!\"\n  \"\"\"", "a string of several lines"),
        .fine("let a = #/b!\"/#", "a regular expression"),
        .fine("let a = try? f()", "an optional try"),
        .fine("let a = b as? Int", "an optional cast"),
        .fine("let notfatalErrorAtAll = 1", "a longer word"),
    ]

    @Test("what traps is found", arguments: trapRows) func trapsAreFound(_ row: Row) {
        #expect(!traps(in: row.text).isEmpty == row.isFlagged)
    }

    static let leftoverRows: [Row] = [
        .flagged("// TO" + "DO: later", "in a comment"),
        .flagged("let a = 1  // FIX" + "ME", "behind code"),
        .fine("// ALBATO" + "DOS, mastodon, to" + "do", "other words"),
    ]

    @Test("notes to self are found", arguments: leftoverRows) func leftoversAreFound(_ row: Row) {
        #expect(!leftovers(in: row.text).isEmpty == row.isFlagged)
    }

    static let sleepRows: [Row] = [
        .flagged("Thread.sleep(forTimeInterval: 1)", "Foundation's"),
        .flagged("try await Task.sleep(for: .seconds(1))", "concurrency's"),
        .flagged("try await clock.sleep(until: then)", "a clock's"),
        .flagged("usleep(1000)", "Glibc's"),
        .flagged("_ = sleep(1)", "Glibc's, in seconds"),
        .flagged("nanosleep(&time, nil)", "POSIX's"),
        .fine("// sleep(1)", "a comment"),
        .fine(#"run("sleep(1)")"#, "a string"),
        .fine("oversleep(1)", "another word"),
        .fine("let sleep = 1", "a name"),
    ]

    @Test("sleeps are found", arguments: sleepRows) func sleepsAreFound(_ row: Row) {
        #expect(!sleeps(in: row.text).isEmpty == row.isFlagged)
    }

    static let overlongRows: [Row] = [
        .flagged(String(repeating: "a", count: 121), "one too many"),
        .fine(String(repeating: "a", count: 120), "exactly the limit"),
        .fine(String(repeating: "ä", count: 120), "columns, not bytes"),
    ]

    @Test("long lines are found", arguments: overlongRows) func longLinesAreFound(_ row: Row) {
        #expect(!overlongLines(in: row.text).isEmpty == row.isFlagged)
    }

    private static let long = String(repeating: "word ", count: 24) + "word"

    static let proseRows: [Row] = [
        .flagged(long, "a paragraph"),
        .flagged("short\n\(long)\nshort", "in the midst of one"),
        .flagged("- \(long)", "a list"),
        .flagged("```\ncode\n```\n\(long)", "behind code"),
        .flagged("`code` \(long)", "a paragraph that begins with code"),
        .fine(String(long.dropLast(5)) + "s", "just as many"),
        .fine("| \(long) |", "a table"),
        .fine("## \(long)", "a heading"),
        .fine("    $ \(long)", "code by its indent"),
        .fine("```\n\(long)\n```", "code in a fence"),
        .fine("- `\(long)`", "one piece of code, which would be two"),
        .fine("https://example.com/\(long.replacing(" ", with: "/"))", "a single word"),
    ]

    @Test("long lines of prose are found", arguments: proseRows) func longProseIsFound(_ row: Row) {
        #expect(!overlongProse(in: row.text).isEmpty == row.isFlagged)
    }

    static let undocumentedRows: [Row] = [
        .flagged("public func f() {}", "a function"),
        .flagged("    public var a = 1", "a member"),
        .flagged("// not a doc comment\npublic struct A {}", "an ordinary comment"),
        .flagged("/// of another\n\npublic struct A {}", "a comment further up"),
        .flagged("public init?(_ a: Int) {}", "an initialiser"),
        .flagged("public subscript(a: Int) -> Int { a }", "a subscript"),
        .flagged("public private(set) var a = 1", "with two modifiers"),
        .flagged("public final class A {}", "a class"),
        .flagged("public class A {}", "an open-ended class"),
        .flagged("open class A {}", "an open class"),
        .flagged("public static func == (a: A, b: A) -> Bool { true }", "an operator"),
        .flagged("@inlinable public func f() {}", "behind an attribute"),
        .flagged("@inlinable\npublic func f() {}", "below an attribute"),
        .fine("/// Does.\npublic func f() {}", "documented"),
        .fine("/// Does.\n@inlinable\n@_spi(A)\npublic func f() {}", "documented above its attributes"),
        .fine("/** Does. */\npublic func f() {}", "documented the other way"),
        .fine("func f() {}", "not public"),
        .fine("public extension A {}", "declares nothing"),
        .fine("public import A", "an import"),
        .fine("public override func f() {}", "an override"),
        .fine("let a = \"\"\"\npublic func f() {}\n\"\"\"", "a string"),
    ]

    @Test("public declarations without a comment are found", arguments: undocumentedRows)
    func undocumentedAreFound(_ row: Row) {
        #expect(!undocumented(in: row.text).isEmpty == row.isFlagged)
    }

    @Test(
        "imports are read in all their forms",
        arguments: [
            ("import A", ["A"]),
            ("@testable import A", ["A"]),
            ("@preconcurrency public import A", ["A"]),
            ("import struct A.B", ["A"]),
            ("import A.B", ["A"]),
            ("import A; import B", ["A"]),
            ("#if canImport(A)\n  import A\n#endif", ["A"]),
            ("// import A", []),
            ("let a = \"\"\"\nimport A\n\"\"\"", []),
            ("let important = 1", []),
        ]) func importsAreRead(_ text: String, _ modules: [String])
    {
        #expect(imports(in: text).map(\.module) == modules)
    }

    @Test("headers of one's own are read") func headersAreRead() {
        let text = "#include <a.h>\n#include \"b.h\"\n// #include \"c.h\"\n"
        #expect(ownHeaders(in: text).map(\.header) == ["b.h"])
    }

    @Test("a finding names the line") func findingsNameTheLine() {
        #expect(traps(in: "let a = \"\"\"\n  b!\n  \"\"\"\nlet c = d!").map(\.line) == [4])
    }
}
