// HMAC-SHA256 (RFC 2104) as two prepared digests: the hash of the key's inner and outer padding is kept and
// copied for each message. Through EVP_MAC the same takes half as long again, and one-shot HMAC() three times
// as long, because each call looks the algorithm up.
#include "cssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

enum { SHA256_BLOCK_BYTES = 64 };

struct cssl_hmac_key {
    EVP_MD_CTX *inner;
    EVP_MD_CTX *outer;
};

/// A digest that has taken the key, padded to one block and combined with `pad`.
static EVP_MD_CTX *prepared(const uint8_t block[SHA256_BLOCK_BYTES], uint8_t pad) {
    uint8_t padded[SHA256_BLOCK_BYTES];
    for (size_t i = 0; i < SHA256_BLOCK_BYTES; i++) padded[i] = block[i] ^ pad;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL &&
        (!EVP_DigestInit_ex(context, EVP_sha256(), NULL) || !EVP_DigestUpdate(context, padded, sizeof padded))) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    OPENSSL_cleanse(padded, sizeof padded);
    return context;
}

cssl_hmac_key *cssl_hmac_key_new(const void *secret, size_t count) {
    uint8_t block[SHA256_BLOCK_BYTES] = {0};
    if (count > sizeof block) {
        if (!cssl_sha256((cssl_bytes){secret, count}, block)) return NULL;
    } else if (count > 0) {
        memcpy(block, secret, count);
    }
    cssl_hmac_key *key = OPENSSL_zalloc(sizeof *key);
    if (key != NULL) {
        key->inner = prepared(block, 0x36);
        key->outer = prepared(block, 0x5c);
    }
    OPENSSL_cleanse(block, sizeof block);
    if (key != NULL && (key->inner == NULL || key->outer == NULL)) {
        cssl_hmac_key_free(key);
        return NULL;
    }
    return key;
}

void cssl_hmac_key_free(cssl_hmac_key *key) {
    if (key == NULL) return;
    EVP_MD_CTX_free(key->inner);  // which also clears the state
    EVP_MD_CTX_free(key->outer);
    OPENSSL_free(key);
}

bool cssl_hmac_sha256_joined(const cssl_hmac_key *key, char separator, cssl_bytes first, cssl_bytes second,
                             cssl_bytes third, uint8_t *out) {
    uint8_t digest[CSSL_SHA256_BYTES];
    memset(out, 0, CSSL_SHA256_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_MD_CTX_copy_ex(context, key->inner) &&
                EVP_DigestUpdate(context, first.start, first.count) && EVP_DigestUpdate(context, &separator, 1) &&
                EVP_DigestUpdate(context, second.start, second.count) && EVP_DigestUpdate(context, &separator, 1) &&
                EVP_DigestUpdate(context, third.start, third.count) && EVP_DigestFinal_ex(context, digest, NULL) &&
                EVP_MD_CTX_copy_ex(context, key->outer) && EVP_DigestUpdate(context, digest, sizeof digest) &&
                EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    if (done) memcpy(out, digest, sizeof digest);
    OPENSSL_cleanse(digest, sizeof digest);
    return done;
}

bool cssl_equal(const void *left, const void *right, size_t count) {
    return CRYPTO_memcmp(left, right, count) == 0;
}

void cssl_error_text(char *out, size_t capacity) {
    unsigned long code = ERR_get_error();
    if (capacity == 0) return;
    out[0] = '\0';
    if (code != 0) ERR_error_string_n(code, out, capacity);
    ERR_clear_error();
}
