// Base64 (RFC 4648 §4) of exactly 32 bytes, both ways. OpenSSL's decoder skips white space and ignores the bits
// behind the last byte, so many texts would stand for one signature; here exactly one does.
#include "cssl.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// All ones if `byte` lies in the range, else zero. Without a branch: on the random characters of a signature one
/// would be predicted wrongly half of the time.
static uint32_t within(uint32_t byte, uint32_t first, uint32_t last) {
    return -(uint32_t)(byte - first <= last - first);
}

/// The six bits that a character stands for, or a number with higher bits set.
static uint32_t bits_of(uint32_t byte) {
    uint32_t upper = within(byte, 'A', 'Z'), lower = within(byte, 'a', 'z'), digit = within(byte, '0', '9');
    uint32_t plus = within(byte, '+', '+'), slash = within(byte, '/', '/');
    return (upper & (byte - 'A')) | (lower & (byte - 'a' + 26)) | (digit & (byte - '0' + 52)) | (plus & 62) |
           (slash & 63) | ~(upper | lower | digit | plus | slash);
}

bool cssl_base64_decode_32(cssl_bytes text, uint8_t *out) {
    if (text.count != CSSL_SHA256_BASE64_BYTES) return false;
    const uint8_t *in = text.start;
    if (in[CSSL_SHA256_BASE64_BYTES - 1] != '=') return false;
    uint32_t wrong = 0;
    for (size_t i = 0; i < 40; i += 4) {
        uint32_t a = bits_of(in[i]), b = bits_of(in[i + 1]), c = bits_of(in[i + 2]), d = bits_of(in[i + 3]);
        wrong |= a | b | c | d;
        *out++ = (uint8_t)(a << 2 | b >> 4);
        *out++ = (uint8_t)(b << 4 | c >> 2);
        *out++ = (uint8_t)(c << 6 | d);
    }
    uint32_t a = bits_of(in[40]), b = bits_of(in[41]), c = bits_of(in[42]);
    wrong |= a | b | c | (c & 3) << 6;  // the last character carries four bits and two that must be zero
    *out++ = (uint8_t)(a << 2 | b >> 4);
    *out = (uint8_t)(b << 4 | c >> 2);
    return wrong <= 0x3f;
}

void cssl_base64_encode_32(const uint8_t *bytes, char *out) {
    uint32_t pending = 0;
    int pending_bits = 0;
    for (size_t i = 0; i < CSSL_SHA256_BYTES; i++) {
        pending = pending << 8 | bytes[i];
        pending_bits += 8;
        while (pending_bits >= 6) {
            pending_bits -= 6;
            *out++ = alphabet[pending >> pending_bits & 63];
        }
    }
    *out++ = alphabet[pending << (6 - pending_bits) & 63];
    *out = '=';
}
