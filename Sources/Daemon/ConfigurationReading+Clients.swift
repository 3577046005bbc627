// Reading `listen`, and the lists of addresses wherever they stand. What could never come into force is refused: a list
// on which nobody is, a proxy that cannot come to its listener.

import Server

extension ConfigurationReading {
    func listen(_ reader: JSONReader?) -> [Configuration.Listener] {
        guard let reader, let elements = reader.elements(expected: TopKeys.listen.expected) else { return [] }
        if elements.isEmpty { reader.refuse(expected: TopKeys.listen.expected) }
        var listeners: [Configuration.Listener] = []
        for element in elements {
            let object: JSONObjectReader?
            if case .object = element.node.value {
                object = element.object(.listener)
                if object == nil { continue }
            } else {
                object = nil
            }
            guard let addressReader = object.map({ $0[ListenerKeys.address] }) ?? element,
                let address = listenAddress(addressReader)
            else { continue }
            let listener = object.map { self.listener(address, $0) } ?? Configuration.Listener(address)
            checkShared(listener, addressReader, with: listeners)
            listeners.append(listener)
        }
        return listeners
    }

    private func listenAddress(_ reader: JSONReader) -> ListenAddress? {
        guard let text = reader.string(expected: ListenAddressError.noPort.expected) else { return nil }
        do throws(ListenAddressError) {
            return try ListenAddress(text: text)
        } catch {
            reader.refuse(expected: error.expected)
            return nil
        }
    }

    private func listener(_ address: ListenAddress, _ object: JSONObjectReader) -> Configuration.Listener {
        var listener = Configuration.Listener(address)
        listener.isDualStack = object.value(ListenerKeys.dualStack)
        if listener.isDualStack, !address.isAllOfIPv6 {
            object[ListenerKeys.dualStack]?.refuse(
                expected: "it only with an address such as \"[::]:8080\": no other takes both families")
        }
        listener.unixMode = object.value(ListenerKeys.mode)
        if !address.isUnix { object[ListenerKeys.mode]?.refuse(expected: "it only with an address unix:/path") }
        listener.tls = tls(object[ListenerKeys.tls])
        if let reader = object[ListenerKeys.proxyProtocol] {
            let proxies = addressList(reader, expected: ListenerKeys.proxyProtocol.expected)
            if !proxies.isEmpty { checkReachable(proxies, reader, listener) }
            listener.proxyProtocol = proxies
        }
        listener.forwarded = object[ListenerKeys.forwarded]?.object(.forwarded).flatMap { forwarded($0, listener) }
        return listener
    }

    private func forwarded(_ object: JSONObjectReader, _ listener: Configuration.Listener) -> ForwardedSettings? {
        let header = object.value(ForwardedKeys.header)
        guard let reader = object[ForwardedKeys.trusted] else { return nil }
        let trusted = addressList(reader, expected: ForwardedKeys.trusted.expected)
        // Behind a proxy of connections anybody may be the one who is connected.
        if !trusted.isEmpty, listener.proxyProtocol == nil { checkReachable(trusted, reader, listener) }
        return header.map { ForwardedSettings(header: $0, trusted: trusted) }
    }

    /// Whether one of the proxies can be connected to the listener.
    private func checkReachable(_ proxies: AddressList, _ reader: JSONReader, _ listener: Configuration.Listener) {
        if listener.address.isUnix {
            if !proxies.includesUnix {
                reader.refuse(expected: "\"unix\" on the list, for that is where all come from on a Unix socket")
            }
        } else if !listener.address.isActivated, proxies.networks.isEmpty {
            reader.refuse(expected: "an address or network on the list, for nobody comes here by a Unix socket")
        }
        if proxies.networks.contains(where: { $0.bitCount == 0 }) {
            reader.warn("every address is on the list, so that anybody can claim to be any client.")
        }
    }

    /// A list of addresses, networks and `unix`; at least one, each once.
    func addressList(_ reader: JSONReader, expected: String) -> AddressList {
        var list = AddressList()
        guard let elements = reader.elements(expected: expected) else { return list }
        // Nobody, or everybody? Neither is guessed.
        if elements.isEmpty { reader.refuse(expected: expected) }
        for element in elements {
            guard let text = element.string(expected: NetworkPrefixError.badAddress.expected) else { continue }
            do throws(NetworkPrefixError) {
                if try !list.insert(text: text) { element.refuse(expected: "each address and network once") }
            } catch {
                let hint = nearestName(to: text, among: ["unix"]).map { " (did you mean \(quoted($0))?)" } ?? ""
                element.refuse(expected: error.expected + hint)
            }
        }
        return list
    }

    func rateLimit(_ reader: JSONReader, hasUnnamedClients: Bool) -> Configuration.RateLimit? {
        guard let object = reader.object(.rateLimit) else { return nil }
        let burst = object.value(RateLimitKeys.burst)
        guard let rate = object.value(RateLimitKeys.rate) else { return nil }
        if hasUnnamedClients {
            reader.warn("clients that come by a Unix socket have no address, so they are not limited.")
        }
        return Configuration.RateLimit(requestsPerSecond: rate, burst: burst ?? 2 * rate)
    }

    /// Two listeners that the kernel would not let live side by side.
    private func checkShared(
        _ listener: Configuration.Listener, _ reader: JSONReader, with others: [Configuration.Listener]
    ) {
        for other in others where !listener.address.takesAnyPort {
            if other.address == listener.address {
                reader.refuse(expected: "each address once")
            } else if listener.isCovered(by: other) || other.isCovered(by: listener) {
                let both = other.isDualStack ? other : listener
                reader.refuse(expected: "another port: \(both.address) with `dual_stack` takes IPv4 at this one")
            } else {
                continue
            }
            return
        }
    }
}

extension Configuration.Listener {
    /// Whether it is an IPv4 address with the port of a listener that takes both families.
    fileprivate func isCovered(by other: Configuration.Listener) -> Bool {
        guard other.isDualStack, case .tcp(_, let otherPort) = other.address, case .tcp(let host, let port) = address
        else { return false }
        return port == otherPort && IPAddress(text: host)?.isIPv4 == true
    }
}

extension ListenAddress {
    /// Whether the kernel chooses the port, so that two of the same are two listeners.
    fileprivate var takesAnyPort: Bool {
        if case .tcp(_, 0) = self { true } else { false }
    }

    fileprivate var isUnix: Bool {
        if case .unix = self { true } else { false }
    }

    fileprivate var isAllOfIPv6: Bool {
        if case .tcp(let host, _) = self { IPAddress(text: host) == IPAddress(text: "::") } else { false }
    }
}
