// Files that were made for sinks that then do not begin: nobody is to find them and wonder.

import Glibc

/// Notes which files are made, to remove those that nothing was written to.
struct NewFiles {
    private var made: [(path: String, identity: FileIdentity)] = []

    /// Runs `open`, and notes the file at `path`, if any is opened, where there was none before. Links are followed.
    mutating func noting<Result, Failure: Error>(
        _ path: String?, _ open: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let path, FileIdentity(path: path) == nil else { return try open() }
        // Also where `open` fails, which may be after it has made the file.
        defer { if let identity = FileIdentity(path: path) { made.append((path, identity)) } }
        return try open()
    }

    /// Removes what was made and is still empty. What is under the name by now may be another file, which stays.
    mutating func remove() {
        for (path, identity) in made {
            var status = stat()
            guard FileIdentity(path: path) == identity, stat(path, &status) == 0, status.st_size == 0,
                let target = realpath(path, nil)
            else { continue }
            unlink(target)
            free(target)
        }
        made = []
    }
}
