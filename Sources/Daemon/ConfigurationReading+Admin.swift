// Reading `admin`.

import Server

extension ConfigurationReading {
    /// - Parameter listened: where callbacks come.
    func admin(_ reader: JSONReader?, besides listened: [ListenAddress]) -> Configuration.Admin {
        var admin = Configuration.Admin()
        guard let object = reader?.object(.admin) else { return admin }
        admin.listen = object[AdminKeys.listen].flatMap { adminAddress($0, besides: listened) }
        if var reader = object[AdminKeys.token] {
            // Whoever writes the token into the file finds it refused, and not shown.
            reader.hidesText = true
            admin.token = adminToken(reader)
        } else if case .tcp = admin.listen, object.isKnown {
            problems.refuse(
                line: object.reader.node.line, path: "\(object.reader.path).\(AdminKeys.token.name)", found: "nothing",
                expected: "a token, for everybody on this network may connect to \"listen\": "
                    + AdminKeys.token.expected)
        }
        return admin
    }

    private func adminAddress(_ reader: JSONReader, besides listened: [ListenAddress]) -> ListenAddress? {
        guard let text = reader.string(expected: AdminKeys.listen.expected) else { return nil }
        do throws(ListenAddressError) {
            let address = try ListenAddress(text: text)
            guard address.isActivated else { return address }
            // Not all that are handed over, for callbacks would come here, and not those that callbacks come to.
            if address != .systemd(name: nil), !listened.contains(address) { return address }
            reader.refuse(expected: "the name of a socket of its own, such as \"systemd:admin\"")
            return nil
        } catch {
            reader.refuse(expected: error.expected)
            return nil
        }
    }

    private func adminToken(_ reader: JSONReader) -> Secret? {
        guard let object = reader.object(.adminToken), let source = source(object) else { return nil }
        do throws(SecretError) {
            let (bytes, isReadableByOthers) = try source.read(environment: environment)
            // What cannot stand in a header field could never be shown (RFC 6750 §2.1 allows less).
            guard bytes.count >= Configuration.Admin.leastTokenBytes, bytes.allSatisfy({ 0x21...0x7E ~= $0 }) else {
                throw SecretError("something else there (not shown)")
            }
            if isReadableByOthers { reader.warn("every user of this machine may read the file of this token.") }
            return Secret(bytes, label: source.label)
        } catch {
            let least = Configuration.Admin.leastTokenBytes
            reader.refuse(
                found: error.found, expected: "a token of at least \(least) letters, digits or signs, without blanks")
            return nil
        }
    }
}
