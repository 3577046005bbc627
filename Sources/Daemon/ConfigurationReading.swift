// From the text of a configuration to a `Configuration`: the file as a whole, and the keys that stand alone.
// Listeners, endpoints and sinks are in the files beside this one.
//
// A function here that returns nil has reported why, so a configuration without problems is complete.

import Glibc

/// One reading of one configuration file.
struct ConfigurationReading {
    let environment: [String: String]
    let nowSeconds: Int64
    let problems: ProblemCollector
    /// Where relative paths in the file start: its own directory, so that it means the same wherever it is read from.
    let directory: String
    let namedFiles = NamedFileCollector()

    init(file: String, environment: [String: String], nowSeconds: Int64) {
        (self.environment, self.nowSeconds) = (environment, nowSeconds)
        problems = ProblemCollector(file: file)
        let parent = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) + "/" } ?? ""
        directory = Self.absolute(parent, in: Self.workingDirectory())
    }

    func configuration(from text: [UInt8]) throws(ConfigurationErrors) -> Configuration {
        let document = JSONReader(node: try parse(text), path: "", problems: problems)
        let top = document.object(.top)
        let sinkReaders = top?[TopKeys.sinks]?.entries(expected: TopKeys.sinks.expected) ?? []
        let listeners = listen(top?[TopKeys.listen])
        let endpoints = endpoints(
            top?[TopKeys.endpoints], sinkNames: sinkReaders.map(\.key),
            hasUnnamedClients: listeners.contains(where: \.hasUnnamedClients))
        let sinks = sinks(sinkReaders, endpoints: endpoints)
        let configuration = Configuration(
            file: problems.file,
            listen: listeners,
            stateDirectory: stateDirectory(top),
            endpoints: endpoints,
            sinks: sinks,
            limits: limits(top?[TopKeys.limits]),
            retention: retention(top?[TopKeys.retention]),
            admin: admin(top?[TopKeys.admin], besides: listeners.map(\.address)),
            log: log(top?[TopKeys.log]),
            warnings: problems.warnings,
            document: ConfigurationDocument(value: document.node.value),
            directory: directory,
            namedFiles: namedFiles.files)
        _ = top?[TopKeys.schema]?.string(expected: TopKeys.schema.expected)
        try problems.throwIfAny()
        return configuration
    }

    private func parse(_ text: [UInt8]) throws(ConfigurationErrors) -> JSONNode {
        do throws(JSONSyntaxError) {
            return try JSONParser.parse(text)
        } catch {
            problems.refuse(
                line: error.line, path: "", found: "\(error.found) in column \(error.column)", expected: error.expected)
        }
        try problems.throwIfAny()
        return JSONNode(line: 1, value: .null)
    }

    private func stateDirectory(_ top: JSONObjectReader?) -> String {
        guard let top else { return "" }
        let expected = TopKeys.stateDirectory.expected
        if let reader = top[TopKeys.stateDirectory] {
            guard let text = reader.string(expected: expected) else { return "" }
            if text.isEmpty { reader.refuse(expected: expected) }
            return Self.absolute(text, in: directory)
        }
        // systemd names every directory of StateDirectory=, separated by colons.
        let first = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        guard let first, first.hasPrefix("/") else {
            let found =
                first == nil
                ? "nothing, and $STATE_DIRECTORY is not set"
                : "nothing, and a relative path in $STATE_DIRECTORY"
            problems.refuse(path: TopKeys.stateDirectory.name, found: found, expected: expected)
            return ""
        }
        return first
    }

    private func limits(_ reader: JSONReader?) -> Configuration.Limits {
        var limits = Configuration.Limits()
        guard let object = reader?.object(.limits) else { return limits }
        limits.bodyLimitBytes = object.value(LimitKeys.body)
        limits.headerLimitBytes = object.value(LimitKeys.headers)
        limits.headerCount = object.value(LimitKeys.headerCount)
        limits.connections = object.value(LimitKeys.connections)
        limits.headerTimeout = object.value(LimitKeys.headerTimeout)
        limits.bodyTimeout = object.value(LimitKeys.bodyTimeout)
        limits.idleTimeout = object.value(LimitKeys.idleTimeout)
        limits.drainTimeout = object.value(LimitKeys.drainTimeout)
        limits.nonces = object.value(LimitKeys.nonces)
        limits.connectionsPerAddress = object.value(LimitKeys.connectionsPerAddress)
        limits.connectionAge = object.value(LimitKeys.connectionAge)
        limits.minimumBytesPerSecond = object.value(LimitKeys.minimumRate)
        limits.requestMemoryBytes = object.value(LimitKeys.requestMemory)
        checkRequestFits(limits, object)
        return limits
    }

    private func retention(_ reader: JSONReader?) -> Configuration.Retention {
        var retention = Configuration.Retention()
        guard let object = reader?.object(.retention) else { return retention }
        retention.age = object.value(RetentionKeys.age)
        retention.sizeBytes = object.value(RetentionKeys.size)
        retention.reserveBytes = object.value(RetentionKeys.reserve)
        retention.quarantineCount = object.value(RetentionKeys.quarantine)
        retention.quarantineBytes = object.value(RetentionKeys.quarantineSize)
        return retention
    }

    /// A request of the largest size that would always be answered 503.
    private func checkRequestFits(_ limits: Configuration.Limits, _ object: JSONObjectReader) {
        guard limits.requestMemoryBytes < limits.bodyLimitBytes + limits.headerLimitBytes else { return }
        let reader = object[LimitKeys.requestMemory] ?? object[LimitKeys.body] ?? object.reader
        let (body, headers) = (ByteSize.text(ofBytes: limits.bodyLimitBytes), limits.headerLimitBytes)
        problems.refuse(
            line: reader.node.line, path: "\(object.reader.path).\(LimitKeys.requestMemory.name)",
            found: ByteSize.text(ofBytes: limits.requestMemoryBytes),
            expected: "room for one request of `body` \(body) and `headers` \(ByteSize.text(ofBytes: headers))")
    }

    private func log(_ reader: JSONReader?) -> Configuration.Log {
        var log = Configuration.Log()
        guard let object = reader?.object(.log) else { return log }
        log.level = object.value(LogKeys.level)
        log.format = object.value(LogKeys.format)
        return log
    }
}

extension ConfigurationReading {
    /// `path` itself where it is absolute, else from `directory` on.
    static func absolute(_ path: String, in directory: String) -> String {
        if path.hasPrefix("/") { return path }
        return directory.hasSuffix("/") ? directory + path : directory + "/" + path
    }

    /// `path` without `.`, `..` and doubled slashes, for comparing paths; symbolic links are not looked at.
    static func normalized(_ path: String) -> String {
        var parts: [String] = []
        for part in path.unicodeScalars.split(separator: "/").map(String.init) where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func workingDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
