// Certificates and keys from PEM, with a reason for each that cannot be used.
#define _GNU_SOURCE
#include "tls_internal.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/// A BIO on memory that stays the caller's.
static BIO *reader_of(cssl_bytes bytes) {
    if (bytes.count == 0 || bytes.count > INT_MAX) return NULL;
    return BIO_new_mem_buf(bytes.start, (int)bytes.count);
}

/// Whether the last error says that there was no further block in the PEM.
static bool is_end_of_pem(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// A daemon has nobody to ask for a passphrase. OpenSSL would ask the terminal.
static int refuse_passphrase(char *out, int capacity, int is_writing, void *argument) {
    (void)out, (void)capacity, (void)is_writing;
    *(bool *)argument = true;
    return -1;
}

/// All certificates of a PEM in their order; NULL, with a problem, where there is none.
static STACK_OF(X509) *read_certificates(cssl_bytes pem, cssl_tls_problem *problem) {
    *problem = CSSL_TLS_NO_CERTIFICATE;
    BIO *reader = reader_of(pem);
    if (reader == NULL) return NULL;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *certificate;
    bool is_encrypted = false;  // which nobody does to a certificate, so it is as good as damaged
    while (certificates != NULL &&
           (certificate = PEM_read_bio_X509(reader, NULL, refuse_passphrase, &is_encrypted)) != NULL) {
        if (sk_X509_push(certificates, certificate) == 0) {
            X509_free(certificate);
            break;
        }
    }
    BIO_free(reader);
    if (is_end_of_pem()) {
        ERR_clear_error();
        if (sk_X509_num(certificates) > 0) {
            *problem = CSSL_TLS_FINE;
            return certificates;
        }
    } else {
        *problem = CSSL_TLS_CERTIFICATE_UNREADABLE;
    }
    sk_X509_pop_free(certificates, X509_free);
    return NULL;
}

static EVP_PKEY *read_key(cssl_bytes pem, cssl_tls_problem *problem) {
    *problem = CSSL_TLS_NO_KEY;
    BIO *reader = reader_of(pem);
    if (reader == NULL) return NULL;
    bool is_encrypted = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(reader, NULL, refuse_passphrase, &is_encrypted);
    BIO_free(reader);
    ERR_clear_error();
    if (is_encrypted) *problem = CSSL_TLS_KEY_ENCRYPTED;
    return key;
}

/// Which of OpenSSL's errors says that a certificate is too weak.
static cssl_tls_problem weak_or_refused(void) {
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error);
    bool is_weak = ERR_GET_LIB(error) == ERR_LIB_SSL &&
                   (reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
                    reason == SSL_R_CA_MD_TOO_WEAK);
    return is_weak ? CSSL_TLS_CERTIFICATE_WEAK : CSSL_TLS_REFUSED;
}

static cssl_tls_problem check_key(STACK_OF(X509) *certificates, const EVP_PKEY *key) {
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        bool fits = X509_check_private_key(sk_X509_value(certificates, i), key) == 1;
        ERR_clear_error();
        if (fits) return i == 0 ? CSSL_TLS_FINE : CSSL_TLS_KEY_OF_A_LATER_CERTIFICATE;
    }
    return CSSL_TLS_KEY_MISMATCH;
}

/// Whether there are ciphers for a key of this kind. OpenSSL would take others, DSA for one, and refuse each client.
static bool has_ciphers(const EVP_PKEY *key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
    case EVP_PKEY_EC:
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448: return true;
    default: return false;
    }
}

static cssl_tls_problem use(SSL_CTX *identity, STACK_OF(X509) *certificates, EVP_PKEY *key) {
    cssl_tls_problem problem = check_key(certificates, key);
    if (problem != CSSL_TLS_FINE) return problem;
    if (!has_ciphers(key)) return CSSL_TLS_CERTIFICATE_WEAK;
    if (SSL_CTX_use_certificate(identity, sk_X509_value(certificates, 0)) != 1) return weak_or_refused();
    for (int i = 1; i < sk_X509_num(certificates); i++) {
        X509 *issuer = sk_X509_value(certificates, i);
        if (X509_check_issued(issuer, sk_X509_value(certificates, i - 1)) != X509_V_OK) return CSSL_TLS_CHAIN_BROKEN;
        if (SSL_CTX_add1_chain_cert(identity, issuer) != 1) return weak_or_refused();
    }
    // What leads to the root is in the file, or it is missing: OpenSSL must not look for it at each handshake.
    SSL_CTX_set_mode(identity, SSL_MODE_NO_AUTO_CHAIN);
    return SSL_CTX_use_PrivateKey(identity, key) == 1 ? CSSL_TLS_FINE : weak_or_refused();
}

cssl_tls_problem cssl_tls_use_certificate(SSL_CTX *identity, cssl_bytes certificates_pem, cssl_bytes key_pem) {
    cssl_tls_problem problem;
    STACK_OF(X509) *certificates = read_certificates(certificates_pem, &problem);
    if (certificates == NULL) return problem;
    EVP_PKEY *key = read_key(key_pem, &problem);
    if (key != NULL) problem = use(identity, certificates, key);
    EVP_PKEY_free(key);
    sk_X509_pop_free(certificates, X509_free);
    return problem;
}

/// Seconds since 1970; 0 for a time that cannot be read, which has passed.
static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm fields = {0};
    return ASN1_TIME_to_tm(time, &fields) == 1 ? timegm(&fields) : 0;
}

cssl_tls_problem cssl_tls_read_issuers(cssl_tls_context *context, cssl_bytes issuers, int64_t *ends_at_seconds) {
    cssl_tls_problem problem;
    STACK_OF(X509) *certificates = read_certificates(issuers, &problem);
    if (certificates == NULL) return problem;
    *ends_at_seconds = INT64_MIN;
    for (int i = 0; i < sk_X509_num(certificates) && problem == CSSL_TLS_FINE; i++) {
        X509 *certificate = sk_X509_value(certificates, i);
        int64_t end = seconds_of(X509_get0_notAfter(certificate));
        if (end > *ends_at_seconds) *ends_at_seconds = end;
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(certificate));
        if (name == NULL || sk_X509_NAME_push(context->client_issuer_names, name) == 0) {
            X509_NAME_free(name);
            problem = CSSL_TLS_REFUSED;
        } else if (X509_STORE_add_cert(context->client_issuers, certificate) != 1) {
            problem = CSSL_TLS_REFUSED;
        }
    }
    sk_X509_pop_free(certificates, X509_free);
    return problem;
}

cssl_tls_validity cssl_tls_context_validity(const cssl_tls_context *context, size_t index) {
    SSL_CTX *identity = context->identities[index];
    const X509 *certificate = SSL_CTX_get0_certificate(identity);
    int64_t end = seconds_of(X509_get0_notAfter(certificate));
    cssl_tls_validity validity = {seconds_of(X509_get0_notBefore(certificate)), end, end};
    STACK_OF(X509) *chain = NULL;
    SSL_CTX_get0_chain_certs(identity, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        end = seconds_of(X509_get0_notAfter(sk_X509_value(chain, i)));
        if (end < validity.chain_ends_at_seconds) validity.chain_ends_at_seconds = end;
    }
    return validity;
}

void cssl_tls_context_names(const cssl_tls_context *context, size_t index, void *receiver, cssl_sink sink) {
    X509 *certificate = SSL_CTX_get0_certificate(context->identities[index]);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int kind;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
        if (kind == GEN_DNS) {
            sink(receiver, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        } else if (kind == GEN_IPADD) {
            char text[INET6_ADDRSTRLEN];
            int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;
            if (family == AF_INET6 && ASN1_STRING_length(value) != 16) continue;
            if (inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text) == NULL) continue;
            sink(receiver, text, __builtin_strlen(text));
        }
    }
    GENERAL_NAMES_free(names);
}
