// What a server shows and demands: versions, ciphers, certificates by name, client certificates. The certificates are
// read in tls_certificates.c.
#include "tls_internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

// The "intermediate" profile of Mozilla's Server Side TLS, without finite-field Diffie-Hellman: every client since
// about 2014. AES-128 goes first, for it is the fastest where the processor has it.
static const char tls12_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char tls13_ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/// The one application protocol that is spoken, as ALPN writes it: with its length in front.
static const uint8_t http11[] = "\x08http/1.1";

/// How long a ticket may be used, in seconds. A sender that calls less often pays for a whole handshake.
enum { TICKET_SECONDS = 2 * 60 * 60 };

cssl_tls_context *cssl_tls_context_new(cssl_tls_tickets *tickets, bool only_tls13) {
    cssl_tls_context *context = OPENSSL_zalloc(sizeof *context);
    if (context == NULL) return NULL;
    context->tickets = tickets;
    context->minimum_version = only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return context;
}

void cssl_tls_context_free(cssl_tls_context *context) {
    if (context == NULL) return;
    for (size_t i = 0; i < context->count; i++) SSL_CTX_free(context->identities[i]);
    OPENSSL_free(context->identities);
    X509_STORE_free(context->client_issuers);
    sk_X509_NAME_pop_free(context->client_issuer_names, X509_NAME_free);
    OPENSSL_free(context);
}

/// Chooses the certificate by the name that the client asks for (SNI, RFC 6066 §3); the first one where it names none,
/// or one that no certificate is for.
static int choose_identity(SSL *ssl, int *alert, void *argument) {
    (void)alert;
    const cssl_tls_context *context = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL) return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < context->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(context->identities[i]);
        if (X509_check_host(certificate, name, strlen(name), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) != 1) continue;
        SSL_set_SSL_CTX(ssl, context->identities[i]);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/// Called only where the client offers protocols (ALPN, RFC 7301 §3.2).
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_count, const unsigned char *offered,
                           unsigned int offered_count, void *argument) {
    (void)ssl, (void)argument;
    unsigned char *chosen;
    int found = SSL_select_next_proto(&chosen, out_count, http11, sizeof http11 - 1, offered, offered_count);
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool require_client(SSL_CTX *identity, const cssl_tls_context *context) {
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(context->client_issuer_names);
    if (names == NULL) return false;
    SSL_CTX_set_client_CA_list(identity, names);
    SSL_CTX_set_verify(identity, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    // A ticket would let a client in for as long as it renews it, without another look at its certificate.
    SSL_CTX_set_options(identity, SSL_OP_NO_TICKET);
    return SSL_CTX_set1_verify_cert_store(identity, context->client_issuers) == 1 &&
           SSL_CTX_set_num_tickets(identity, 0) == 1;
}

/// An SSL_CTX that lacks nothing but its certificate.
static SSL_CTX *new_identity(cssl_tls_context *context) {
    SSL_CTX *identity = SSL_CTX_new(TLS_server_method());
    if (identity == NULL) return NULL;
    SSL_CTX_set_security_level(identity, 2);  // 112 bits and more, whatever openssl.cnf says
    SSL_CTX_set_options(identity, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                      SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection gives up its buffers, 17 KB for reading and, as answers are small, 4 KB for writing.
    SSL_CTX_set_mode(identity, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_send_fragment(identity, 4096);
    // What is needed to go on is in the ticket, which the client keeps.
    SSL_CTX_set_session_cache_mode(identity, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(identity, TICKET_SECONDS);
    SSL_CTX_set_alpn_select_cb(identity, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(identity, choose_identity);
    SSL_CTX_set_tlsext_servername_arg(identity, context);
    static const unsigned char name[] = "hookd";
    bool done = SSL_CTX_set_min_proto_version(identity, context->minimum_version) == 1 &&
                SSL_CTX_set_max_proto_version(identity, TLS1_3_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(identity, tls12_ciphers) == 1 &&
                SSL_CTX_set_ciphersuites(identity, tls13_ciphers) == 1 &&
                SSL_CTX_set1_groups_list(identity, groups) == 1 &&
                SSL_CTX_set_session_id_context(identity, name, sizeof name - 1) == 1 &&
                SSL_CTX_set_num_tickets(identity, 1) == 1 && cssl_tls_use_tickets(identity, context->tickets) &&
                (context->client_issuers == NULL || require_client(identity, context));
    if (done) return identity;
    SSL_CTX_free(identity);
    return NULL;
}

static cssl_tls_problem add_identity(cssl_tls_context *context, cssl_bytes certificates, cssl_bytes key) {
    SSL_CTX **identities =
        OPENSSL_realloc(context->identities, (context->count + 1) * sizeof *context->identities);
    if (identities == NULL) return CSSL_TLS_REFUSED;
    context->identities = identities;
    SSL_CTX *identity = new_identity(context);
    if (identity == NULL) return CSSL_TLS_REFUSED;
    cssl_tls_problem problem = cssl_tls_use_certificate(identity, certificates, key);
    if (problem != CSSL_TLS_FINE) {
        SSL_CTX_free(identity);
        return problem;
    }
    context->identities[context->count++] = identity;
    return CSSL_TLS_FINE;
}

cssl_tls_problem cssl_tls_context_add_identity(cssl_tls_context *context, cssl_bytes certificates, cssl_bytes key) {
    ERR_clear_error();
    return add_identity(context, certificates, key);
}

cssl_tls_problem cssl_tls_context_require_client(cssl_tls_context *context, cssl_bytes issuers,
                                                 int64_t *ends_at_seconds) {
    ERR_clear_error();
    context->client_issuers = X509_STORE_new();
    context->client_issuer_names = sk_X509_NAME_new_null();
    if (context->client_issuers == NULL || context->client_issuer_names == NULL) return CSSL_TLS_REFUSED;
    // Each of them is trusted by itself, so that one that is not a root need not bring its root.
    X509_STORE_set_flags(context->client_issuers, X509_V_FLAG_PARTIAL_CHAIN);
    return cssl_tls_read_issuers(context, issuers, ends_at_seconds);
}
