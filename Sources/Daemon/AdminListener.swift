// Where the admin listener is, and how commands find it.

import Dispatch
import Glibc
import HTTP
import Logging
import Server

/// The admin listener: a server of its own, so that no flood of callbacks keeps operators out.
final class AdminListener: Sendable {
    /// Where it listens, as operators write it.
    let address: ListenAddress
    let server: Server
    /// The host that is listened on; nil on a Unix socket.
    private let host: String?
    private let place: AdminPlace
    /// Where the address is written down.
    private let note: String

    /// Binds the configured address. Where none is configured, what the machine has to offer: nil, with a warning,
    /// where that is nothing, for receiving callbacks does not depend on it.
    ///
    /// - Parameter inherited: the socket, where it was handed over.
    static func open(
        _ configuration: Configuration, inherited: InheritedSocket?, environment: [String: String], _ logger: Logger
    ) throws(SystemError) -> AdminListener? {
        if let inherited {
            return try AdminListener(configuration, AdminPlace(inherited.address), ListenerSettings(inherited))
        }
        if configuration.admin.listen != nil { return try AdminListener(configuration, AdminPlace(configuration)) }
        for place in AdminPlace.defaults(configuration, environment: environment) {
            do throws(SystemError) {
                return try AdminListener(configuration, place)
            } catch {
                logger.log(.adminMissing, level: .warning, "no admin listener there: \(error)")
            }
        }
        logger.log(
            .adminMissing, level: .warning,
            "no admin listener: hookd status and its like will not reach this daemon")
        return nil
    }

    private convenience init(_ configuration: Configuration, _ place: AdminPlace?) throws(SystemError) {
        guard let place else { throw SystemError(call: "the admin listener's directory", code: ENOENT) }
        var settings = ListenerSettings(place.boundAddress)
        settings.unixMode = 0o600
        try self.init(configuration, place, settings)
    }

    private init(
        _ configuration: Configuration, _ place: AdminPlace?, _ settings: ListenerSettings
    ) throws(SystemError) {
        guard let place else { throw SystemError(call: "the admin listener's directory", code: ENOENT) }
        server = try Server(listeners: [settings], limits: Self.limits, shardCount: 1, name: "admin")
        self.place = place
        // The port may be the kernel's choice.
        if case .tcp(let host, _)? = server.addresses.first {
            address = server.addresses[0]
            self.host = host
        } else {
            address = place.address
            host = nil
        }
        note = adminNotePath(in: configuration.stateDirectory)
        writeDown()
    }

    /// Small bounds, but time for what takes long: a backup, or a reload of many sinks.
    private static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.request = RequestLimits(bodyBytes: 1 << 20, headBytes: 16 << 10, fieldCount: 64)
        limits.connections = 32
        limits.requestMemoryBytes = 4 << 20
        limits.answerTimeout = .seconds(3600)
        return limits
    }

    /// Begins to answer.
    ///
    /// - Parameter token: the token that is in force.
    func start(
        log: RateLimitedLog, token: @escaping @Sendable () -> Secret?,
        answer: @escaping @Sendable (AdminRequest) -> AdminAnswer
    ) {
        server.start { [host] shard in
            AdminHandler(
                gate: { AdminGate(token: token(), host: host) }, shard: shard, log: log, answer: answer)
        }
    }

    /// Ends; what is being answered gets its answer if that is soon.
    func stop() {
        unlink(note)
        server.drain(deadline: .now() + .seconds(1))
    }

    /// Writes the address where commands look for it, whole or not at all.
    private func writeDown() {
        let text = Array((address.description + "\n").utf8)
        let draft = note + ".new"
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let isWritten = write(descriptor, text, text.count) == text.count
        close(descriptor)
        if !isWritten || rename(draft, note) != 0 { unlink(draft) }
    }
}

/// The file in which a daemon says where its admin listener is.
public func adminNotePath(in stateDirectory: String) -> String { stateDirectory + "/hookd.admin" }

/// A place to listen at. The path of a Unix socket may be longer than the kernel's structure for it: the socket is then
/// reached by way of its directory's descriptor.
public final class AdminPlace: Sendable {
    /// The address as operators write it.
    let address: ListenAddress
    /// The same place, in a form that fits.
    let boundAddress: ListenAddress
    private let directory: Int32

    /// A place to listen or connect at; nil where a path is too long and its directory cannot be opened.
    init?(_ address: ListenAddress) {
        self.address = address
        guard case .unix(let path) = address, path.utf8.count > ListenAddress.unixPathLimitBytes,
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        else {
            (boundAddress, directory) = (address, -1)
            return
        }
        directory = Glibc.open(String(path[...slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let name = path[path.utf8.index(after: slash)...]
        boundAddress = .unix(path: "/proc/self/fd/\(directory)/\(name)")
        guard directory >= 0, boundAddress.description.utf8.count - 5 <= ListenAddress.unixPathLimitBytes else {
            return nil
        }
    }

    deinit { if directory >= 0 { close(directory) } }

    /// The place that `text` names; nil where it names none, or its directory cannot be opened.
    public convenience init?(text: String) {
        if text.hasPrefix("unix:/") {
            self.init(.unix(path: String(text.dropFirst(5))))
        } else {
            guard let address = try? ListenAddress(text: text) else { return nil }
            self.init(address)
        }
    }

    /// The place as operators write it.
    public var text: String { address.description }

    /// The path to connect to; nil for a TCP address.
    public var socketPath: String? {
        if case .unix(let path) = boundAddress { path } else { nil }
    }

    /// Whether only the daemon knows where that is: the kernel chose the port, or systemd made the socket.
    public var isOpen: Bool {
        switch address {
        case .tcp(_, let port): port == 0
        case .unix: false
        case .systemd: true
        }
    }

    convenience init?(_ configuration: Configuration) {
        guard let address = configuration.admin.listen else { return nil }
        self.init(address)
    }

    /// Where to listen if nothing is configured, the best place first.
    static func defaults(_ configuration: Configuration, environment: [String: String]) -> [AdminPlace] {
        // systemd names every directory of RuntimeDirectory=, separated by colons.
        let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        let directories = [runtime, configuration.stateDirectory].compactMap(\.self)
        return directories.filter { $0.hasPrefix("/") }.compactMap {
            AdminPlace(.unix(path: ConfigurationReading.absolute("admin.sock", in: $0)))
        }
    }
}
