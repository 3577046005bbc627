// What hookd needs of OpenSSL, in the shape Swift wants it: HMAC-SHA256 with a prepared key, SHA-256,
// equality in constant time, and base64 of 32 bytes. Only what Swift cannot say lives here; what is signed,
// and what a mismatch means, is decided in Sources/Callbacks.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The length in bytes of a SHA-256 digest, and so of an HMAC-SHA256 code.
#define CSSL_SHA256_BYTES 32
/// The length of 32 bytes in base64, padding included.
#define CSSL_SHA256_BASE64_BYTES 44

/// A run of bytes that the callee only reads. `start` may be NULL where `count` is 0.
typedef struct cssl_bytes {
    const void *_Nullable start;
    size_t count;
} cssl_bytes;

/// A secret, prepared once: the key schedule is done when it is made, and each use copies the result.
/// Never written after creation, so any thread may use it.
typedef struct cssl_hmac_key cssl_hmac_key;

/// NULL when OpenSSL has no memory or offers no SHA-256; `cssl_error_text` then tells why.
cssl_hmac_key *_Nullable cssl_hmac_key_new(const void *_Nullable secret, size_t count);
void cssl_hmac_key_free(cssl_hmac_key *_Nullable key);

/// Writes HMAC-SHA256 over the three parts, joined by `separator`, to `out` (32 bytes).
/// False when OpenSSL fails, and `out` is then all zero: never a wrong code.
bool cssl_hmac_sha256_joined(const cssl_hmac_key *key, char separator, cssl_bytes first, cssl_bytes second,
                             cssl_bytes third, uint8_t *out) __attribute__((warn_unused_result));

/// Writes SHA-256 of `message` to `out` (32 bytes). False, with `out` all zero, when OpenSSL fails.
bool cssl_sha256(cssl_bytes message, uint8_t *out) __attribute__((warn_unused_result));

/// Whether two runs of `count` bytes are equal, in a time that depends on `count` alone.
bool cssl_equal(const void *left, const void *right, size_t count) __attribute__((warn_unused_result));

/// Decodes the base64 (RFC 4648 §4) of exactly 32 bytes: 44 characters of the standard alphabet, one `=` at the end,
/// the two bits that carry nothing zero. No white space, no other alphabet. False, with `out` unspecified, otherwise.
bool cssl_base64_decode_32(cssl_bytes text, uint8_t *out) __attribute__((warn_unused_result));

/// Encodes 32 bytes as 44 characters, without a terminating NUL.
void cssl_base64_encode_32(const uint8_t *bytes, char *out);

/// Takes the oldest error off this thread's OpenSSL error queue, clears the rest, and writes its text with a
/// terminating NUL. The text is empty where the queue was.
void cssl_error_text(char *out, size_t capacity);

#pragma clang assume_nonnull end
