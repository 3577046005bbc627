// SHA-256 (FIPS 180-4) of one message.
#include "cssl.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

/// The algorithm, looked up once: EVP_sha256() would look it up again for each message.
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void) { sha256 = EVP_MD_fetch(NULL, "SHA256", NULL); }

bool cssl_sha256(cssl_bytes message, uint8_t *out) {
    pthread_once(&sha256_once, fetch_sha256);
    if (sha256 != NULL && EVP_Digest(message.start, message.count, out, NULL, sha256, NULL)) return true;
    memset(out, 0, CSSL_SHA256_BYTES);
    return false;
}
