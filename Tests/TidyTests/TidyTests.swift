// The house rules, held against the house. What they say is in `Rules.swift`, who may import what in `Rooms.swift`.

import Testing

@Suite("The source is tidy") struct TidyTests {
    static let code: Set<String> = ["swift", "c", "cpp", "h", "hpp", "modulemap"]

    /// What is built into the daemon.
    let product: [SourceFile]
    let tests: [SourceFile]

    init() throws {
        product =
            try sourceFiles(under: "Sources", suffixes: Self.code) + sourceFiles(under: "CSSL", suffixes: Self.code)
        tests = try sourceFiles(under: "Tests", suffixes: Self.code)
        // A rule over no files at all would hold for ever.
        try #require(product.count > 20 && tests.count > 3)
    }

    private var swift: [SourceFile] { product.filter { $0.suffix == "swift" } }

    private func expectNone(_ rule: (String) -> [Finding], in files: [SourceFile]) {
        for file in files {
            for finding in rule(file.text) {
                Issue.record("\(file.path):\(finding.line): \(finding.what)")
            }
        }
    }

    @Test("no line is longer than 120 columns") func lineLength() {
        expectNone(overlongLines, in: product)
    }

    @Test("no line of prose in docs is longer than 120 columns") func proseWidth() throws {
        let pages = try sourceFiles(under: "docs", suffixes: ["md"])
        try #require(pages.count > 10)
        expectNone(overlongProse, in: pages)
    }

    @Test("nothing is left over") func nothingLeftOver() {
        expectNone(leftovers, in: product + tests)
    }

    @Test("nothing traps where it could answer") func noTraps() {
        expectNone(traps, in: swift)
    }

    @Test("what is public is explained") func documented() {
        expectNone(undocumented, in: swift)
    }

    @Test("no test sleeps") func noSleeps() {
        expectNone(sleeps, in: tests.filter { $0.suffix == "swift" })
    }

    @Test("every room is in the table") func everyRoomIsListed() throws {
        let listed = rooms.map(\.name) + cRooms.filter { $0.hasPrefix("Sources/") }.map { String($0.dropFirst(8)) }
        #expect(try folders(in: "Sources") == listed.sorted())
    }

    @Test("a room imports what it may know, and nothing else", arguments: rooms) func importsAreAllowed(_ room: Room) {
        for file in swift where file.room == room.name {
            let more = room.exceptions.filter { file.path.hasSuffix("/" + $0.file) }.flatMap(\.imports)
            for found in imports(in: file.text) where !room.imports.union(more).contains(found.module) {
                Issue.record("\(file.path):\(found.line): \(room.name) must not know \(found.module)")
            }
        }
        for exception in room.exceptions {
            let path = "Sources/\(room.name)/\(exception.file)"
            #expect(swift.contains { $0.path == path }, "\(path) has an exception and is not there")
        }
    }

    @Test("a shim includes system headers and its own", arguments: cRooms) func headersAreOwn(_ folder: String) {
        let files = product.filter { $0.path.hasPrefix(folder + "/") }
        #expect(files.contains { $0.suffix == "h" || $0.suffix == "modulemap" }, "\(folder) is there")
        for file in files {
            for found in ownHeaders(in: file.text)
            where !files.contains(where: { $0.path.hasSuffix("/" + found.header) }) {
                Issue.record("\(file.path):\(found.line): \(folder) must not know \(found.header)")
            }
        }
    }
}
