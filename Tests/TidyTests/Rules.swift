// The rules of the house that a machine can check, as functions from text to the lines that break them.
// `RulesTests` shows each of them rows that it must flag and rows that it must not.

/// A line that breaks a rule.
struct Finding: Equatable, Sendable {
    /// The line, from 1.
    var line: Int
    /// What is wrong with it.
    var what: String
}

/// Lines of more than 120 columns.
func overlongLines(in text: String) -> [Finding] {
    let limit = 120
    return findings(in: text) { line in
        line.utf8.count > limit && line.count > limit ? ["\(line.count) columns, at most \(limit)"] : []
    }
}

/// Lines of prose in Markdown of more than 120 columns: not tables, headings or code, and nothing that has no blank to be
/// broken at.
func overlongProse(in markdown: String) -> [Finding] {
    let limit = 120
    var isFenced = false
    return findings(in: markdown) { line in
        let text = line.drop { $0 == " " }
        if text.hasPrefix("```") { isFenced.toggle() }
        let isCode = isFenced || line.hasPrefix("    ")
        guard line.count > limit, !isCode, !text.hasPrefix("|"), !text.hasPrefix("#") else { return [] }
        // The mark of a list is no word, and code in a line is one.
        let words = text.drop { "-*. ".contains($0) || $0.isNumber }
        let parts = words.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        let isBreakable = parts.reduce(into: "") { $0 += $1.offset.isMultiple(of: 2) ? $1.element : "`" }.contains(" ")
        return isBreakable ? ["\(line.count) columns, at most \(limit)"] : []
    }
}

/// Notes to self, in code and comments.
func leftovers(in text: String) -> [Finding] {
    findings(in: text) { line in
        ["TO" + "DO", "FIX" + "ME"].filter { words(in: line).contains($0) }.map { "left over: \($0)" }
    }
}

/// Whatever ends the daemon where it should have answered with an error: `try!`, `as!`, `fatalError`, and the
/// forced unwrapping of an optional, be it at its use (`x!`) or in its type (`var x: Int!`).
func traps(in swift: String) -> [Finding] {
    findings(in: codeOnly(swift)) { line in
        forcedUnwraps(in: line) + (words(in: line).contains("fatalError") ? ["fatalError"] : [])
    }
}

/// Waiting for time to pass, which in a test means too long or too short.
func sleeps(in swift: String) -> [Finding] {
    let sleepers = ["sleep", "usleep", "nanosleep", "clock_nanosleep"]
    return findings(in: codeOnly(swift)) { line in
        sleepers.filter { calls($0, in: line) }.map { "\($0)() in a test" }
    }
}

/// The modules that `swift` imports.
func imports(in swift: String) -> [(line: Int, module: String)] {
    lines(of: codeOnly(swift)).enumerated().compactMap { index, line in
        importedModule(in: line).map { (index + 1, $0) }
    }
}

/// The headers that C or C++ source includes in quotes: those that are no system's.
func ownHeaders(in source: String) -> [(line: Int, header: String)] {
    lines(of: source).enumerated().compactMap { index, line in
        let trimmed = line.drop { $0 == " " }
        guard trimmed.hasPrefix("#include \""), let name = trimmed.split(separator: "\"").dropFirst().first else {
            return nil
        }
        return (index + 1, String(name))
    }
}

/// Public declarations without a doc comment.
func undocumented(in swift: String) -> [Finding] {
    let code = lines(of: codeOnly(swift)), text = lines(of: swift)
    return code.indices.compactMap { index in
        guard declaresPublicly(code[index]) else { return nil }
        var above = index - 1
        while above >= 0, startsWithAttribute(code[above]) { above -= 1 }
        let comment = above >= 0 ? text[above].drop { $0 == " " } : ""
        guard !comment.hasPrefix("///"), !comment.hasSuffix("*/") else { return nil }
        let declaration = code[index].drop { $0 == " " }
        return Finding(line: index + 1, what: "public and without a doc comment: \(declaration)")
    }
}

// MARK: - How

private func findings(in text: String, _ rule: (String) -> [String]) -> [Finding] {
    lines(of: text).enumerated().flatMap { index, line in
        rule(line).map { Finding(line: index + 1, what: $0) }
    }
}

private func isWordCharacter(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
}

private func words(in line: String) -> [Substring] {
    line.split { !isWordCharacter($0) }
}

/// A bang right behind an operand takes it by force; one behind a blank or an operator negates what follows,
/// and one with `=` behind it compares.
private func forcedUnwraps(in line: String) -> [String] {
    var found: [String] = []
    var index = line.startIndex
    while let bang = line[index...].firstIndex(of: "!") {
        index = line.index(after: bang)
        guard bang > line.startIndex else { continue }
        let before = line[line.index(before: bang)]
        let endsOperand = isWordCharacter(before) || ")]}>\"`?".contains(before)
        let compares = index < line.endIndex && line[index] == "="
        guard endsOperand, !compares else { continue }
        switch line[..<bang].split(whereSeparator: { !isWordCharacter($0) }).last {
        case "try" where isWordCharacter(before): found.append("try!")
        case "as" where isWordCharacter(before): found.append("as!")
        default: found.append("unwraps by force: \(line.drop { $0 == " " })")
        }
    }
    return found
}

/// Whether `line` calls a function of just this name, whoever's it is: `usleep(` is no `sleep(`.
private func calls(_ name: String, in line: String) -> Bool {
    line.ranges(of: name + "(").contains { match in
        match.lowerBound == line.startIndex || !isWordCharacter(line[line.index(before: match.lowerBound)])
    }
}

private func importedModule(in line: String) -> String? {
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor"]
    var tokens = line.split(separator: " ")[...]
    while let token = tokens.first, token.hasPrefix("@") || isModifier(token) { tokens.removeFirst() }
    guard tokens.popFirst() == "import" else { return nil }
    if let kind = tokens.first, kinds.contains(kind) { tokens.removeFirst() }
    return tokens.first?.split { $0 == "." || $0 == ";" }.first.map(String.init)
}

private func isModifier(_ token: Substring) -> Bool {
    let modifiers: Set<Substring> = [
        "public", "open", "package", "internal", "fileprivate", "private", "static", "class", "final", "override",
        "mutating", "nonmutating", "borrowing", "consuming", "convenience", "required", "indirect", "lazy", "weak",
        "unowned", "nonisolated", "isolated", "unsafe", "prefix", "postfix", "infix", "dynamic", "optional",
    ]
    return modifiers.contains(token.prefix { $0 != "(" })
}

private func startsWithAttribute(_ line: String) -> Bool {
    line.first { $0 != " " } == "@" && !declares(line)
}

private func declares(_ line: String) -> Bool {
    line.split(separator: " ").contains { isModifier($0) || keywords.contains(keyword($0)) }
}

/// `init(`, `init?(`, `init<` and `subscript(` have no blank behind them.
private func keyword(_ token: Substring) -> Substring {
    token.prefix { $0.isLetter }
}

private let keywords: Set<Substring> = [
    "func", "var", "let", "init", "subscript", "struct", "class", "enum", "protocol", "actor", "typealias",
    "associatedtype", "macro", "operator", "precedencegroup",
]

/// An override says what it overrides, an extension or an import declares nothing.
private func declaresPublicly(_ line: String) -> Bool {
    let tokens = line.split(separator: " ")
    guard let declared = tokens.firstIndex(where: { !isModifier($0) && !$0.hasPrefix("@") }) else { return false }
    let modifiers = tokens[..<declared]
    let isPublic = modifiers.contains("public") || modifiers.contains("open")
    // `class` is both: a modifier of members, and what declares a class.
    let isClass = modifiers.last == "class"
    return isPublic && !modifiers.contains("override") && (isClass || keywords.contains(keyword(tokens[declared])))
}
