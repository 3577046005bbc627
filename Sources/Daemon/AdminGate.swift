// Who may ask the admin listener. Its Unix socket is for its owner, as the file's permissions say. On TCP everybody can
// connect, a browser on this machine included: there a token is asked for, and who comes by way of a web page is
// turned away.

import HTTP
import Server

/// What a request to the admin listener must show.
struct AdminGate: Sendable {
    /// The configured token; nil where there is none.
    let token: Secret?
    /// The host that is listened on; nil on a Unix socket.
    let host: String?

    /// The answer to a request that is not let in; nil for one that is.
    func refuse(_ request: Request) -> AdminAnswer? {
        if let host {
            // A page from anywhere can have its own name resolve to this machine; an address it cannot (DNS rebinding).
            guard let asked = request.value(of: "host"), isTrusted(host: asked, listening: host) else {
                return .error(421, "Host is neither an address nor the name that is listened on")
            }
            guard request.value(of: "origin") == nil else {
                return .error(403, "requests of web pages are not answered")
            }
        }
        guard let token else { return nil }
        let scheme = "Bearer "
        guard let shown = request.value(of: "authorization"), shown.lowercased().hasPrefix(scheme.lowercased()),
            token.withBytes({ isEqualInConstantTime(Array(shown.utf8.dropFirst(scheme.utf8.count)), $0) })
        else { return .error(401, "the token is missing or wrong") }
        return nil
    }
}

/// Whether `Host` names a machine in a way that no other site's name server could have brought about.
private func isTrusted(host field: String, listening host: String) -> Bool {
    var name = field.lowercased()
    if let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")), !name.hasSuffix("]") { name = String(name[..<colon]) }
    if name == host.lowercased() || name == "localhost" { return true }
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    return IPAddress(text: name) != nil
}

/// Compares all bytes, wherever the first difference is; only the lengths can be told from how long it takes.
func isEqualInConstantTime(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    var difference: UInt8 = 0
    for index in one.indices { difference |= one[index] ^ other[index] }
    return difference == 0
}
