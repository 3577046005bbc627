// What is fuzzed: each target takes any bytes, does with them what the daemon does with bytes of others, and throws a
// fault where something does not hold. `make fuzz` has libFuzzer look for such bytes; `make test` tries again those that
// were found, and those that reach far.

/// A way in from outside.
public struct FuzzTarget: Sendable {
    /// Its name, and the name of its folder in Fuzz/Corpus.
    public let name: String
    /// The most bytes that are worth trying.
    public let longestInputBytes: Int
    /// Tries one input.
    public let run: @Sendable (_ input: UnsafeBufferPointer<UInt8>) throws -> Void
    /// Inputs to begin with.
    public let seeds: @Sendable () throws -> [[UInt8]]

    /// All targets.
    public static let all = [requests, chunks, signatures, events, configuration]

    /// The target of that name.
    public static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Something that must hold, and did not.
public struct Fault: Error, CustomStringConvertible {
    /// What did not hold.
    public let description: String

    init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ fault: @autoclosure () -> String) throws {
    if !condition { throw Fault(fault()) }
}

/// The input cut at some places that it chooses itself: another input, other places; the same input, the same.
func pieces(of input: UnsafeBufferPointer<UInt8>) -> [Slice<UnsafeBufferPointer<UInt8>>] {
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in input { hash = (hash ^ UInt64(byte)) &* 0x0100_0000_01b3 }
    if input.count <= 24 || hash % 64 == 0 && input.count <= 256 { return input.indices.map { input[$0...$0] } }
    var cuts: Set<Int> = [0, input.count]
    for _ in 0..<3 {
        cuts.insert(Int(hash % UInt64(input.count)))
        hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    }
    let sorted = cuts.sorted()
    return zip(sorted, sorted.dropFirst()).map { input[$0..<$1] }
}
