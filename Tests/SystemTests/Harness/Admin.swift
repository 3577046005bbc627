// The admin listener as programs use it.

import Foundation

extension DaemonHome {
    /// The socket, where nothing else is configured.
    var adminPath: String { directory.file("state/admin.sock") }
}

extension DaemonProcess {
    /// Asks by GET.
    func admin(_ target: String) throws -> Answer {
        try RawConnection(path: home.adminPath).exchange(Array("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
    }

    /// Asks by POST.
    func admin(_ target: String, body: String) throws -> Answer {
        let head = "POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return try RawConnection(path: home.adminPath).exchange(Array((head + body).utf8))
    }

    /// Runs a command against this daemon.
    func command(_ arguments: String...) throws -> (ending: Ending, output: String, errors: String) {
        try hookd(arguments + ["--config", home.configurationPath])
    }

    /// What `/status` answers.
    func status() throws -> [String: Any] { try jsonObject(admin("/status").text) }
}

/// The members of a JSON object.
func jsonObject(_ text: String) throws -> [String: Any] {
    guard let members = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
        throw Failure("not a JSON object: \(text.debugDescription)")
    }
    return members
}
