// What is said where OpenSSL refuses to work.

import Callbacks
import Foundation
import Testing

@Suite("Where OpenSSL refuses") struct CryptographyErrorTests {
    /// Asks for algorithms that are certified, and offers none.
    private static let policy = """
        openssl_conf = start
        [start]
        alg_section = algorithms
        [algorithms]
        default_properties = fips=yes

        """

    // In processes of their own: OpenSSL reads its configuration once, and for all threads.

    @Test("a key is an error that names the reason and the place to look") func key() async {
        await #expect(processExitsWith: .success) {
            try Self.enforcePolicy()
            let error = Self.errorOfKey()
            exit(
                error?.reason.hasPrefix("error:") == true && "\(error, default: "none")".contains("openssl.cnf") ? 0 : 1
            )
        }
    }

    @Test("a hash is an error, and never zeros") func hash() async {
        await #expect(processExitsWith: .success) {
            try Self.enforcePolicy()
            exit(Self.errorOfHash()?.reason.isEmpty == false ? 0 : 1)
        }
    }

    private static func errorOfKey() -> CryptographyError? {
        do throws(CryptographyError) {
            _ = try HMACKey(secret: Array("secret".utf8))
            return nil
        } catch {
            return error
        }
    }

    private static func errorOfHash() -> CryptographyError? {
        let body: [UInt8] = [1, 2, 3]
        do throws(CryptographyError) {
            _ = try Digest(of: body.span)
            return nil
        } catch {
            return error
        }
    }

    private static func enforcePolicy() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "openssl-\(UUID().uuidString).cnf")
        try Data(policy.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        setenv("OPENSSL_CONF", file.path, 1)
        _ = errorOfHash()  // with the first use the file is read
    }
}
