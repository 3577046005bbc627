// libFuzzer around the targets. `make fuzz` builds and runs it; without libFuzzer it cannot be linked, so the package
// has it only where HOOKD_FUZZ is set.
//
//     hookd-fuzz seeds FOLDER                      writes the seeds of all targets, a folder each
//     hookd-fuzz TARGET [libFuzzer's options] [FOLDER ...]

import FuzzTargets
import Glibc

/// libFuzzer's main, without its own `main`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// One input may take this much of a processor's time; more is a fault, as a crash is.
private let slowestNanoseconds: UInt64 = 100_000_000

private nonisolated(unsafe) var target = FuzzTarget.all[0]  // set once, before libFuzzer starts
private nonisolated(unsafe) var slowest: UInt64 = 0  // libFuzzer calls from one thread

@main
enum Runner {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "seeds" { return try writeSeeds(to: arguments[2]) }
        // To merge corpora libFuzzer starts this program again, without the target's name.
        let inherited = getenv("HOOKD_FUZZ_TARGET").map { String(cString: $0) }
        guard let name = inherited ?? arguments.dropFirst().first, let found = FuzzTarget.named(name) else {
            let names = FuzzTarget.all.map(\.name).joined(separator: "|")
            say("usage: hookd-fuzz seeds FOLDER | hookd-fuzz \(names) [OPTION ...] [FOLDER ...]")
            exit(64)
        }
        setenv("HOOKD_FUZZ_TARGET", name, 1)
        target = found
        atexit { say("slowest input: \(slowest / 1000) us") }
        let list =
            [arguments[0], "-max_len=\(found.longestInputBytes)"] + arguments.dropFirst(inherited == nil ? 2 : 1)
        var pointers = list.map { strdup($0) } + [nil]
        var count = Int32(list.count)
        pointers.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            let status = runFuzzer(&count, &start) { tryInput($0, $1) }
            exit(status)
        }
    }

    private static func writeSeeds(to folder: String) throws {
        for target in FuzzTarget.all {
            mkdir("\(folder)/\(target.name)", 0o755)
            for (index, seed) in try target.seeds().enumerated() {
                guard let file = fopen("\(folder)/\(target.name)/seed-\(index)", "w") else { exit(73) }
                fwrite(seed, 1, seed.count, file)
                fclose(file)
            }
        }
    }
}

private func tryInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let before = processorNanoseconds()
    do {
        try target.run(UnsafeBufferPointer(start: start, count: count))
    } catch {
        say("\(error)")
        abort()
    }
    let used = processorNanoseconds() - before
    slowest = max(slowest, used)
    if used > slowestNanoseconds {
        say("this input took \(used / 1_000_000) ms")
        abort()
    }
    return 0
}

/// The processor's time and not the clock's: on a busy machine a fast input may wait.
private func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

private func say(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
