// Base64 (RFC 4648 §4) of exactly 32 bytes, both ways. OpenSSL's decoder skips white space and ignores the bits
// behind the last byte, so many texts would stand for one signature; here exactly one does.
#include "cssl.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits that a character stands for, or -1.
static int bits_of(uint8_t character) {
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a' + 26;
    if (character >= '0' && character <= '9') return character - '0' + 52;
    if (character == '+') return 62;
    if (character == '/') return 63;
    return -1;
}

bool cssl_base64_decode_32(cssl_bytes text, uint8_t *out) {
    if (text.count != CSSL_SHA256_BASE64_BYTES) return false;
    const uint8_t *in = text.start;
    if (in[CSSL_SHA256_BASE64_BYTES - 1] != '=') return false;
    uint32_t pending = 0;
    int pending_bits = 0;
    for (size_t i = 0; i < CSSL_SHA256_BASE64_BYTES - 1; i++) {
        int bits = bits_of(in[i]);
        if (bits < 0) return false;
        pending = pending << 6 | (uint32_t)bits;
        pending_bits += 6;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            *out++ = (uint8_t)(pending >> pending_bits);
        }
    }
    return (pending & 3) == 0;  // 43 characters carry 258 bits: two too many
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
