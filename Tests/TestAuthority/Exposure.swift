// Whether a value gives a secret away.

/// Whether a mirror of `value` leads to `secret`, however deep: to what `dump` prints, and debuggers and crash reports.
public func exposes(_ value: Any, _ secret: String) -> Bool {
    // A key loses the line end behind it when it is read.
    let start = secret.utf8.prefix(60)
    if let bytes = value as? [UInt8], bytes.starts(with: start) { return true }
    if let text = value as? String, text.utf8.starts(with: start) { return true }
    return Mirror(reflecting: value).children.contains { exposes($0.value, secret) }
}
