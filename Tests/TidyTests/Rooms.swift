// Which room may import what: the column "must never know" of the architecture as a table. The compiler keeps
// a target from what Package.swift does not name; this table keeps Package.swift, and system modules, honest.

/// A target, and the modules that its files may import.
struct Room: Sendable {
    /// The target.
    var name: String
    /// The modules its files may import.
    var imports: Set<String>
    /// Files that may import more, each with what and why.
    var exceptions: [Exception] = []

    /// A file that may import what its room may not.
    struct Exception: Sendable {
        var file: String
        var imports: Set<String>
        var why: String
    }
}

/// Every Swift target under Sources.
let rooms: [Room] = [
    // HTTP/1.1 as bytes: no sockets, no clock, no Sinch. Glibc is there for memchr.
    Room(name: "HTTP", imports: ["Glibc"]),
    // Numbers that rise, and the text that Prometheus reads: nothing of what they count.
    Room(name: "Metrics", imports: ["Synchronization"]),
    // Sockets, loops and TLS: no Sinch, no storage.
    Room(name: "Server", imports: ["HTTP", "Metrics", "CLinux", "CSSL", "Glibc", "Dispatch", "Synchronization"]),
    // What a genuine callback is: no sockets, no storage.
    Room(name: "Callbacks", imports: ["CSSL", "Glibc"]),
    // What a callback's body says: no sockets, no storage.
    Room(name: "Events", imports: ["CSimdJSON", "Glibc"]),
    // Events on disk: no HTTP, no sinks. CSSL, for an event's id is a hash that is checked when it is read.
    Room(name: "Store", imports: ["Metrics", "CSQLite", "CLinux", "CSSL", "Glibc", "Dispatch", "Synchronization"]),
    // Sinks: no HTTP server, no verification. CSSL, to sign what is sent; CZlib, for rotated files.
    Room(
        name: "Delivery",
        imports: ["Store", "Events", "CCurl", "CLinux", "CSSL", "CZlib", "Glibc", "Dispatch", "Synchronization"]),
    // Where the rooms meet.
    Room(
        name: "Daemon",
        imports: [
            "Server", "HTTP", "Metrics", "Callbacks", "Events", "Store", "Delivery", "CLinux", "CSystemd", "Glibc",
            "Dispatch", "Synchronization", "Logging",
        ]),
    // Bodies to try things with.
    Room(name: "Samples", imports: []),
    // The command line. With all of Foundation a static, stripped hookd has 60 MB; with its essentials, 16 MB.
    Room(
        name: "hookd",
        imports: [
            "Daemon", "Samples", "Callbacks", "Events", "Store", "CCurl", "CLinux", "Glibc", "Dispatch",
            "Synchronization", "ArgumentParser", "FoundationEssentials",
        ]),
]

/// Every C and C++ target, by its folder: system libraries only, and nothing of ours but their own header.
let cRooms = [
    "CSSL", "Sources/CLinux", "Sources/CSQLite", "Sources/CCurl", "Sources/CSimdJSON", "Sources/CZlib",
    "Sources/CSystemd",
]
