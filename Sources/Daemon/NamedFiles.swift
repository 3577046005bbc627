// The files that a configuration names to be read: secrets, certificates, keys. A sink that wrote to one of them would
// destroy it.

/// A file that is read, and the key that names it.
struct NamedFile: Sendable {
    /// Its absolute path.
    var path: String
    /// The path of the key, such as `endpoints./callbacks.secrets[0].file`.
    var key: String
}

/// Gathers them while one configuration is read.
final class NamedFileCollector {
    private(set) var files: [NamedFile] = []

    func note(_ path: String, _ reader: JSONReader) { files.append(NamedFile(path: path, key: reader.path)) }
}
