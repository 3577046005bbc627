// What the files of TLS know of each other.
#pragma once

#include "cssl_tls.h"

#include <openssl/ssl.h>

struct cssl_tls_context {
    cssl_tls_tickets *tickets;
    int minimum_version;
    /// Whose certificates clients must show; NULL where they need none.
    X509_STORE *client_issuers;
    STACK_OF(X509_NAME) *client_issuer_names;
    /// One for each certificate, alike in all else.
    SSL_CTX **identities;
    size_t count;
};

/// Has the sessions of `identity` encrypt their tickets with `tickets`.
bool cssl_tls_use_tickets(SSL_CTX *identity, cssl_tls_tickets *tickets);

/// Reads a certificate, those behind it, and the key into `identity`.
cssl_tls_problem cssl_tls_use_certificate(SSL_CTX *identity, cssl_bytes certificates, cssl_bytes key);

/// Reads certificates into the issuers of `context`.
cssl_tls_problem cssl_tls_read_issuers(cssl_tls_context *context, cssl_bytes issuers, int64_t *ends_at_seconds);
