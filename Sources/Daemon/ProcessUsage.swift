// What the process uses of the machine, as the kernel tells it.

import Glibc

/// What the process uses at one moment. Nil stands for what the kernel did not tell.
struct ProcessUsage {
    /// User and system time.
    var cpuSeconds: Double?
    var residentBytes: Double?
    var virtualBytes: Double?
    var openDescriptors: Double?
    /// How many descriptors the process may have.
    var maximalDescriptors: Double?

    init() {
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            cpuSeconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        }
        // proc(5): the size of the program and its resident part, in pages.
        if let file = try? SmallFile(path: "/proc/self/statm", limitBytes: 4096) {
            let pages = String(decoding: file.bytes, as: UTF8.self).split(separator: " ").prefix(2).map { Double($0) }
            let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
            if pages.count == 2 {
                virtualBytes = pages[0].map { $0 * pageBytes }
                residentBytes = pages[1].map { $0 * pageBytes }
            }
        }
        openDescriptors = Self.countDescriptors()
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            maximalDescriptors = Double(limit.rlim_cur)
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func countDescriptors() -> Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = -3  // `.`, `..`, and the descriptor that reads this directory
        while readdir(directory) != nil { count += 1 }
        return Double(count)
    }
}
