// Base64 with the standard alphabet and padding (RFC 4648 §4), for the signature header. Here and not from
// Foundation, which the daemon loads for its configuration only.

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// `bytes` in base64, padded.
func base64(_ bytes: some Sequence<UInt8>) -> String {
    var output: [UInt8] = []
    var pending: UInt32 = 0
    var bits = 0
    for byte in bytes {
        pending = pending << 8 | UInt32(byte)
        bits += 8
        while bits >= 6 {
            bits -= 6
            output.append(alphabet[Int(pending >> UInt32(bits) & 63)])
        }
    }
    if bits > 0 {
        output.append(alphabet[Int(pending << UInt32(6 - bits) & 63)])
    }
    while !output.count.isMultiple(of: 4) {
        output.append(UInt8(ascii: "="))
    }
    return String(decoding: output, as: UTF8.self)
}
