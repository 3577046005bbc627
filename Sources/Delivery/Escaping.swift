// Text from outside, made fit for a log line and a terminal.

/// The first `limit` bytes with everything outside printable ASCII, quotes and backslashes as `\xNN`: no line
/// ends, no terminal sequences, no marks that turn the direction of writing.
func escaped(_ bytes: some Collection<UInt8>, limit: Int) -> String {
    var text = ""
    for byte in bytes.prefix(limit) {
        if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "\"") {
            text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            text += "\\x"
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
    }
    return bytes.count > limit ? text + "…" : text
}
