// The sockets that systemd hands over at the start (sd_listen_fds(3)): what they are, and which key takes which.

import CSystemd
import Glibc
import Server

/// What was handed over to the daemon.
public struct ActivatedSockets: Sendable {
    /// One descriptor.
    struct Socket: Sendable {
        /// `FileDescriptorName=`; the name of the socket unit where that is not set.
        var name: String
        /// The socket; nil where it cannot be used.
        var inherited: InheritedSocket?
        /// Why it cannot be used; nil where it can.
        var problem: InheritedSocketError?
    }

    var sockets: [Socket]

    /// What systemd has handed over to this process: nothing where it was started in another way.
    ///
    /// To be called once, before any other file is opened: the descriptors follow the standard ones.
    public static func handedOver() -> ActivatedSockets {
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(0, &list)
        defer { freeNames(list) }
        guard count > 0 else { return ActivatedSockets(sockets: []) }
        return ActivatedSockets(
            sockets: (0..<Int(count)).map { index in
                let name = list?[index].map { String(cString: $0) } ?? ""
                do throws(InheritedSocketError) {
                    let inherited = try InheritedSocket(descriptor: SD_LISTEN_FDS_START + Int32(index))
                    return Socket(name: name, inherited: inherited)
                } catch {
                    return Socket(name: name, problem: error)
                }
            })
    }

    private static func freeNames(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
        guard let list else { return }
        var next = list
        while let name = next.pointee {
            free(name)
            next += 1
        }
        free(list)
    }

    /// What there is, for a message: `"web" ([::]:443)`.
    var description: String {
        if sockets.isEmpty { return "no socket" }
        return sockets.map { socket in
            let what = socket.inherited?.address.description ?? socket.problem?.description ?? ""
            return "\(quoted(shortened(socket.name))) (\(escapingControls(shortened(what))))"
        }.joined(separator: ", ")
    }
}

extension Configuration {
    /// Which key takes which of the sockets that were handed over.
    struct SocketPlan: Sendable {
        /// For each entry of `listen`; empty for one that makes its own socket.
        var listen: [[InheritedSocket]]
        /// For `admin.listen`.
        var admin: InheritedSocket?
        /// What nobody takes, for a warning: clients would wait there for ever.
        var unclaimed: [ActivatedSockets.Socket]
    }

    /// Looks whether what the configuration expects of systemd was handed over.
    ///
    /// - Throws: everything that is missing or cannot be used, at once.
    public func validateSockets(_ activated: ActivatedSockets) throws(ConfigurationErrors) {
        _ = try socketPlan(activated)
    }

    /// Deals out what was handed over: to each key the sockets of its name, and to `"systemd"` all that no key names.
    func socketPlan(_ activated: ActivatedSockets) throws(ConfigurationErrors) -> SocketPlan {
        let problems = ProblemCollector(file: file)
        var plan = SocketPlan(listen: [], unclaimed: [])
        let named = Set((listen.map(\.address) + [admin.listen].compactMap(\.self)).compactMap(\.systemdName))
        func take(_ address: ListenAddress, key: String) -> [InheritedSocket] {
            guard case .systemd(let name) = address else { return [] }
            let sockets = activated.sockets.filter { socket in
                name.map { socket.name == $0 } ?? !named.contains(socket.name)
            }
            let taken = sockets.filter { socket in
                guard let problem = socket.problem else { return true }
                problems.refuse(
                    path: key,
                    found: "\(problem) of the name \(quoted(shortened(socket.name))), handed over by systemd",
                    expected: "a stream socket that listens")
                return false
            }
            if sockets.isEmpty {
                problems.refuse(
                    path: key,
                    found: "\(quoted(address.description)), and systemd handed over \(activated.description)",
                    expected: Self.expectedSocket(name))
            }
            return taken.compactMap(\.inherited)
        }
        for (index, listener) in listen.enumerated() {
            plan.listen.append(take(listener.address, key: "\(TopKeys.listen.name)[\(index)]"))
        }
        if let address = admin.listen {
            plan.admin = adminSocket(take(address, key: Self.adminListenKey), problems)
        }
        try problems.throwIfAny()
        let takesAll = listen.contains { $0.address == .systemd(name: nil) }
        plan.unclaimed = takesAll ? [] : activated.sockets.filter { !named.contains($0.name) }
        return plan
    }

    private static let adminListenKey = "\(TopKeys.admin.name).\(AdminKeys.listen.name)"

    private static func expectedSocket(_ name: String?) -> String {
        let of = name.map { " with FileDescriptorName=\($0)" } ?? ""
        return "a socket unit\(of) that starts hookd (systemctl start hookd.socket; Sockets= in hookd.service)"
    }

    /// The one socket of the admin listener, which needs a token where everybody can connect.
    private func adminSocket(_ sockets: [InheritedSocket], _ problems: ProblemCollector) -> InheritedSocket? {
        if sockets.count > 1 {
            problems.refuse(
                path: Self.adminListenKey, found: "\(sockets.count) sockets of that name", expected: "one")
        }
        if case .tcp? = sockets.first?.address, admin.token == nil {
            problems.refuse(
                path: "\(TopKeys.admin.name).\(AdminKeys.token.name)", found: "nothing",
                expected: "a token, for everybody on this network may connect to the socket that was handed over: "
                    + AdminKeys.token.expected)
        }
        return sockets.first
    }
}

extension ListenAddress {
    /// The name of the sockets that are meant, where they are systemd's and have one.
    var systemdName: String? {
        if case .systemd(let name) = self { name } else { nil }
    }

    /// Whether systemd hands the sockets over.
    var isActivated: Bool {
        if case .systemd = self { true } else { false }
    }
}
