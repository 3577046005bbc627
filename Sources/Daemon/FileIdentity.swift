// What makes two names the same file.

import Glibc

/// A file, whatever name it goes by.
struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t

    /// The file at `path`, links followed; nil where there is none.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, inode) = (status.st_dev, status.st_ino)
    }
}
