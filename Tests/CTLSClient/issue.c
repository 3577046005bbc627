// Certificates of any kind, right and wrong.
#include "ctls.h"

#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/// A key of DSA, with parameters of its own.
static EVP_PKEY *new_dsa_key(void) {
    EVP_PKEY *parameters = NULL, *key = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL), *key_maker = NULL;
    if (maker != NULL && EVP_PKEY_paramgen_init(maker) == 1 && EVP_PKEY_CTX_set_dsa_paramgen_bits(maker, 2048) == 1 &&
        EVP_PKEY_paramgen(maker, &parameters) == 1) {
        key_maker = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
        if (key_maker == NULL || EVP_PKEY_keygen_init(key_maker) != 1 || EVP_PKEY_keygen(key_maker, &key) != 1) {
            key = NULL;
        }
    }
    EVP_PKEY_CTX_free(key_maker);
    EVP_PKEY_CTX_free(maker);
    EVP_PKEY_free(parameters);
    return key;
}

static EVP_PKEY *new_key(const char *kind) {
    if (strcmp(kind, "DSA") == 0) return new_dsa_key();
    if (strncmp(kind, "RSA-", 4) == 0) return EVP_RSA_gen((unsigned int)atoi(kind + 4));
    if (strcmp(kind, "ED25519") == 0) return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(kind);
}

static bool add_extension(X509 *certificate, X509V3_CTX *context, int kind, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, kind, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool fill(X509 *certificate, const ctls_wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
    uint64_t serial = 0;
    X509_NAME *name = X509_NAME_new();
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    bool is_ed25519 = EVP_PKEY_get_base_id(issuer_key) == EVP_PKEY_ED25519;
    const EVP_MD *digest = is_ed25519 ? NULL : EVP_get_digestbyname(wish->digest == NULL ? "SHA256" : wish->digest);
    bool done =
        name != NULL && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)wish->common_name, -1, -1, 0) &&
        X509_set_version(certificate, X509_VERSION_3) && X509_set_subject_name(certificate, name) &&
        X509_set_issuer_name(certificate, issuer == certificate ? name : X509_get_subject_name(issuer)) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), wish->begins_at_seconds) != NULL &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), wish->ends_at_seconds) != NULL &&
        X509_set_pubkey(certificate, key) &&
        add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
        (issuer == certificate || add_extension(certificate, &context, NID_authority_key_identifier, "keyid")) &&
        (!wish->is_authority || add_extension(certificate, &context, NID_basic_constraints, "critical,CA:TRUE")) &&
        (wish->names == NULL || add_extension(certificate, &context, NID_subject_alt_name, wish->names)) &&
        X509_sign(certificate, issuer_key, digest) > 0;
    X509_NAME_free(name);
    return done;
}

static char *text_of(BIO *writer) {
    char *bytes;
    long count = BIO_get_mem_data(writer, &bytes);
    char *text = calloc(1, (size_t)count + 1);
    if (text != NULL) memcpy(text, bytes, (size_t)count);
    BIO_free(writer);
    return text;
}

ctls_pair ctls_issue(const ctls_wish *wish) {
    ctls_pair pair = {NULL, NULL};
    EVP_PKEY *key = new_key(wish->key_kind), *issuer_key = key;
    X509 *certificate = X509_new(), *issuer = certificate;
    if (wish->issuer_certificate != NULL && wish->issuer_key != NULL) {
        BIO *certificate_reader = BIO_new_mem_buf(wish->issuer_certificate, -1);
        BIO *key_reader = BIO_new_mem_buf(wish->issuer_key, -1);
        issuer = PEM_read_bio_X509(certificate_reader, NULL, NULL, NULL);
        issuer_key = PEM_read_bio_PrivateKey(key_reader, NULL, NULL, NULL);
        BIO_free(certificate_reader);
        BIO_free(key_reader);
    }
    if (key != NULL && issuer_key != NULL && certificate != NULL && issuer != NULL &&
        fill(certificate, wish, key, issuer, issuer_key)) {
        BIO *certificate_writer = BIO_new(BIO_s_mem()), *key_writer = BIO_new(BIO_s_mem());
        const EVP_CIPHER *cipher = wish->passphrase == NULL ? NULL : EVP_aes_256_cbc();
        PEM_write_bio_X509(certificate_writer, certificate);
        PEM_write_bio_PKCS8PrivateKey(key_writer, key, cipher, NULL, 0, NULL, (void *)wish->passphrase);
        pair = (ctls_pair){text_of(certificate_writer), text_of(key_writer)};
    }
    if (issuer != certificate) X509_free(issuer);
    if (issuer_key != key) EVP_PKEY_free(issuer_key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
}
