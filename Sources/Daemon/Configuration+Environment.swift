// Whether this machine can run a configuration: directories that are missing, files that may not be written.
// It only looks: nothing is created or opened, so `hookd check` may run beside a daemon.

import Glibc
import Store

extension Configuration {
    /// Looks whether state directory, files of sinks and Unix sockets can be written.
    ///
    /// - Throws: everything that cannot, at once.
    public func validateEnvironment() throws(ConfigurationErrors) {
        let problems = ProblemCollector(file: file)
        func check(_ path: String, key: String, _ look: (String) throws(UnusablePath) -> Void) {
            do throws(UnusablePath) {
                try look(path)
            } catch {
                problems.refuse(path: key, found: "\(quoted(path)): \(error.reason)", expected: error.expected)
            }
        }
        check(stateDirectory, key: "state_directory", checkStateDirectory)
        for (index, listener) in listen.enumerated() {
            if case .unix(let path) = listener.address { check(path, key: "listen[\(index)]", checkSocket) }
        }
        if case .unix(let path) = admin.listen { check(path, key: "admin.listen", checkSocket) }
        for case (let name, .forward(let forward)) in sinks.map({ ($0.name, $0.kind) }) {
            for (path, key) in [(forward.tlsAuthorityPath, "ca"), (forward.tlsCertificatePath, "certificate")] {
                if let path { check(path, key: "sinks.\(name).tls.\(key)", checkReadable) }
            }
        }
        let inputs = inputs
        var files: [FileIdentity: String] = [:]
        for sink in sinks {
            guard case .file(let file) = sink.kind else { continue }
            let path = file.path
            let key = "sinks.\(sink.name).path"
            check(path, key: key, checkAppendable)
            if isOwn(path) {
                problems.refuse(
                    path: key, found: "\(quoted(path)), one of hookd's own files", expected: "a file of its own")
            }
            guard let identity = FileIdentity(path: path) else { continue }
            if let input = inputs[identity] {
                problems.refuse(
                    path: key, found: "\(quoted(path)), the file that \(input) names", expected: "a file of its own")
            }
            // The same file by another name: a link, or a directory that is one.
            if let other = files.updateValue(sink.name, forKey: identity) {
                let found = "\(quoted(path)), the same file as that of sink \(quoted(other))"
                problems.refuse(path: key, found: found, expected: "a file of its own")
            }
        }
        try problems.throwIfAny()
    }

    /// The files that are read, each with the first key that names it.
    private var inputs: [FileIdentity: String] {
        let keys = namedFiles.compactMap { file in FileIdentity(path: file.path).map { ($0, file.key) } }
        return Dictionary(keys) { first, _ in first }
    }

    /// Whether a path leads to the configuration, or to what the daemon keeps in its state directory.
    private func isOwn(_ path: String) -> Bool {
        if let identity = FileIdentity(path: path), identity == FileIdentity(path: file) { return true }
        let normalized = ConfigurationReading.normalized(path)
        let name = normalized.unicodeScalars.split(separator: "/").last.map(String.init) ?? ""
        guard StateDirectory.owns(fileName: name) else { return false }
        let folder = parent(of: normalized)
        return folder == ConfigurationReading.normalized(stateDirectory)
            || FileIdentity(path: folder).map { $0 == FileIdentity(path: stateDirectory) } ?? false
    }
}

/// Why a path cannot be used.
private struct UnusablePath: Error {
    let reason: String
    let expected: String
}

/// A directory that can be written, or created with its parents.
private func checkStateDirectory(_ path: String) throws(UnusablePath) {
    let expected = "a directory that hookd may write to or create"
    var ancestor = path
    // The first that exists decides; the root does, so this ends.
    while try type(of: ancestor, expected: expected) == nil {
        ancestor = parent(of: ancestor)
    }
    try checkDirectory(ancestor, expected: expected)
}

/// A regular file that can be written, or created in a directory that is there.
private func checkAppendable(_ path: String) throws(UnusablePath) {
    let expected = "a file that hookd may write to or create"
    guard let type = try type(of: path, expected: expected) else {
        return try checkDirectory(parent(of: path), expected: expected)
    }
    guard type == S_IFREG else { throw UnusablePath(reason: "not a regular file", expected: expected) }
    try checkAccess(path, W_OK, expected: expected)
}

/// A file that can be read.
private func checkReadable(_ path: String) throws(UnusablePath) {
    guard faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 else {
        throw UnusablePath(reason: "it cannot be read (\(systemMessage(errno)))", expected: "a file in PEM")
    }
}

/// A socket, or a name for one in a directory that is there. Another kind of file must not be put at risk.
private func checkSocket(_ path: String) throws(UnusablePath) {
    let expected = "the path of a socket that hookd may create"
    if let type = try type(of: path, expected: expected), type != S_IFSOCK {
        throw UnusablePath(reason: "there is something else than a socket", expected: expected)
    }
    try checkDirectory(parent(of: path), expected: expected)
}

private func checkDirectory(_ path: String, expected: String) throws(UnusablePath) {
    guard let type = try type(of: path, expected: expected) else {
        throw UnusablePath(reason: "there is no directory \(quoted(path))", expected: expected)
    }
    guard type == S_IFDIR else {
        throw UnusablePath(reason: "\(quoted(path)) is not a directory", expected: expected)
    }
    try checkAccess(path, W_OK | X_OK, expected: expected)
}

private func checkAccess(_ path: String, _ mode: Int32, expected: String) throws(UnusablePath) {
    guard faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 else {
        throw UnusablePath(reason: "\(quoted(path)) cannot be written (\(systemMessage(errno)))", expected: expected)
    }
}

/// The kind of file at `path`, links followed; nil where there is none.
private func type(of path: String, expected: String) throws(UnusablePath) -> mode_t? {
    var status = stat()
    if stat(path, &status) == 0 { return status.st_mode & S_IFMT }
    let code = errno
    if code == ENOENT { return nil }
    throw UnusablePath(reason: "\(quoted(path)) cannot be looked at (\(systemMessage(code)))", expected: expected)
}

private func parent(of path: String) -> String {
    var parts = path.unicodeScalars.split(separator: "/").map(String.init)
    _ = parts.popLast()
    return "/" + parts.joined(separator: "/")
}
