// The keys of `admin`.

/// The keys of `admin`.
enum AdminKeys {
    static let listen = Entry(
        "listen", .string(), expected: "unix:/path, host:port or systemd:NAME, such as \"unix:/run/hookd/admin.sock\"",
        "Where health, metrics and operator commands are answered. Without it a Unix socket admin.sock in"
            + " $RUNTIME_DIRECTORY, or else in the state directory.")
    static let token = Entry(
        "token", .object(.adminToken), expected: Shape.adminToken.expected,
        "What requests must show in Authorization: Bearer. A TCP address needs one.")
}

extension Shape {
    static let admin = Shape(
        expected: "an object such as {\"listen\": \"unix:/run/hookd/admin.sock\"}",
        keys: [AdminKeys.listen, AdminKeys.token])
    static let adminToken = Shape(
        expected: "an object such as {\"file\": \"admin-token\"}: where the token is, never the token",
        keys: SecretKeys.sources, oneOf: SecretKeys.sources.map(\.name))
}
