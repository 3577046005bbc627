// The end of a selftest: what was acknowledged is held against the store, the file, and what was forwarded.

import Glibc
import Store

/// Goes through the store and the file side by side, a piece at a time, however much they hold.
struct SelftestCheck {
    let home: SelftestHome
    let callbacks: SelftestCallbacks
    let entries: [SelftestLedger.Entry]
    /// Whether the forward sink's target was sent an event.
    let wasForwarded: (Int64) -> Bool

    private(set) var violations = SelftestViolations()
    /// By number: under which sequence it was found.
    private var found: [Int64]

    init(
        _ home: SelftestHome, _ callbacks: SelftestCallbacks, _ entries: [SelftestLedger.Entry],
        wasForwarded: @escaping (Int64) -> Bool
    ) {
        (self.home, self.callbacks, self.entries, self.wasForwarded) = (home, callbacks, entries, wasForwarded)
        found = [Int64](repeating: 0, count: entries.count)
    }

    /// Everything that is wrong.
    mutating func run() throws -> SelftestViolations {
        guard let file = fopen(home.eventsPath, "re") else {
            throw failure("\(home.eventsPath) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { fclose(file) }
        var lines = SelftestLines(file: file)
        let reader = try EventReader(stateDirectory: home.statePath)
        var position: Int64 = 0
        while true {
            let batch = try reader.events(after: position, limit: ReadLimit(events: 256, bytes: 1 << 20)) { damaged in
                violations.add(.changed, "event \(damaged) is damaged in the store")
            }
            guard let last = batch.events.last else { break }
            for event in batch.events {
                check(event, batch)
                lines.expect(event.sequence, body: batch.bytes[event.body.range], &violations)
            }
            position = last.sequence
        }
        lines.expectEnd(&violations)
        for number in entries.indices where found[number] == 0 && entries[number].isAcknowledged {
            violations.add(.lost, "\(name(number)) was answered 200, and is not in the store")
        }
        return violations
    }

    private mutating func check(_ event: StoredEvent, _ batch: EventBatch) {
        let sequence = event.sequence
        guard let number = callbacks.number(ofNonce: batch.bytes[event.nonce.range]), entries.indices.contains(number)
        else {
            violations.add(.changed, "event \(sequence) of the store was never sent")
            return
        }
        if found[number] != 0 {
            violations.add(.doubled, "\(name(number)) is stored twice, as \(found[number]) and \(sequence)")
        }
        found[number] = sequence
        if entries[number].sequence != 0, entries[number].sequence != sequence {
            violations.add(
                .changed, "\(name(number)) was answered as event \(entries[number].sequence), and is \(sequence)")
        }
        if !callbacks.body(number).elementsEqual(batch.bytes[event.body.range]) {
            violations.add(.changed, "\(name(number)) is stored with another body, as \(sequence)")
        }
        if !wasForwarded(sequence) {
            violations.add(.lost, "\(name(number)), event \(sequence), never came out of the forward sink")
        }
    }

    private func name(_ number: Int) -> String {
        "callback \(callbacks.nonce(number)) of cycle \(entries[number].cycle)"
    }
}

/// The lines of the file sink, one after the other.
struct SelftestLines {
    private let file: UnsafeMutablePointer<FILE>
    /// The next line, as far as one was read that is not expected yet.
    private var ahead: Line?
    private var last: Int64 = 0

    private struct Line {
        var sequence: Int64
        var bytes: [UInt8]
    }

    init(file: UnsafeMutablePointer<FILE>) { self.file = file }

    /// Takes the line of the next event, and tells of all that are not its.
    mutating func expect(_ sequence: Int64, body: ArraySlice<UInt8>, _ violations: inout SelftestViolations) {
        while let line = ahead ?? next(&violations) {
            ahead = nil
            if line.sequence > sequence {
                ahead = line
                break
            }
            if line.sequence == sequence {
                // Between the tokens of JSON a line end is left out.
                let data = Array("\"data\":".utf8) + body.filter { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "}")]
                if !line.bytes.suffix(data.count).elementsEqual(data) {
                    violations.add(.changed, "event \(sequence) is in the file with another body")
                }
                last = sequence
                return
            }
            tell(line, &violations)
        }
        violations.add(.lost, "event \(sequence) is missing in the file, behind event \(last)")
    }

    /// No line may be left.
    mutating func expectEnd(_ violations: inout SelftestViolations) {
        while let line = ahead ?? next(&violations) {
            ahead = nil
            tell(line, &violations)
        }
    }

    private func tell(_ line: Line, _ violations: inout SelftestViolations) {
        if line.sequence > last {
            violations.add(.changed, "event \(line.sequence) is in the file, and not in the store")
        } else {
            violations.add(.doubled, "event \(line.sequence) is in the file again, behind event \(last)")
        }
    }

    private mutating func next(_ violations: inout SelftestViolations) -> Line? {
        var start: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(start) }
        let count = getline(&start, &capacity, file)
        guard count > 0, let start else { return nil }
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        guard bytes.last == UInt8(ascii: "\n"), let member = strstr(start, "\"sequence\":\"") else {
            violations.add(.changed, "the file has a torn line behind event \(last)")
            return next(&violations)
        }
        return Line(sequence: Int64(strtoll(member + 12, nil, 10)), bytes: Array(bytes.dropLast()))
    }
}
