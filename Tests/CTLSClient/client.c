// A TLS client between two buffers in memory. It may be as old and as lax as a test wants it.
#include "ctls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct ctls_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *from_server;
    BIO *to_server;
    BIO *plaintext;
    char error[128];
};

static bool use_pair(SSL_CTX *context, const char *certificate_pem, const char *key_pem) {
    BIO *certificate_reader = BIO_new_mem_buf(certificate_pem, -1), *key_reader = BIO_new_mem_buf(key_pem, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_reader, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_reader, NULL, NULL, NULL);
    bool done = certificate != NULL && key != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_reader);
    BIO_free(key_reader);
    return done;
}

static bool trust(SSL_CTX *context, const char *pem) {
    BIO *reader = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(reader, NULL, NULL, NULL);
    bool done = certificate != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1;
    X509_free(certificate);
    BIO_free(reader);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return done;
}

static bool set_up(ctls_client *client, const ctls_options *options, ctls_ticket *ticket) {
    SSL_CTX *context = client->context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) return false;
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    if (SSL_CTX_set_min_proto_version(context, options->minimum_version) != 1 ||
        SSL_CTX_set_max_proto_version(context, options->maximum_version) != 1 ||
        (options->ciphers != NULL && SSL_CTX_set_cipher_list(context, options->ciphers) != 1) ||
        (options->issuers != NULL && !trust(context, options->issuers)) ||
        (options->certificate != NULL && !use_pair(context, options->certificate, options->key))) {
        return false;
    }
    client->ssl = SSL_new(context);
    client->from_server = BIO_new(BIO_s_mem());
    client->to_server = BIO_new(BIO_s_mem());
    client->plaintext = BIO_new(BIO_s_mem());
    if (client->ssl == NULL) return false;
    SSL_set_bio(client->ssl, client->from_server, client->to_server);
    SSL_set_connect_state(client->ssl);
    const char *protocols = options->protocols;
    return (options->server_name == NULL || SSL_set_tlsext_host_name(client->ssl, options->server_name) == 1) &&
           (protocols == NULL ||
            SSL_set_alpn_protos(client->ssl, (const unsigned char *)protocols, (unsigned int)strlen(protocols)) == 0) &&
           (ticket == NULL || SSL_set_session(client->ssl, (SSL_SESSION *)ticket) == 1);
}

ctls_client *ctls_client_new(const ctls_options *options, ctls_ticket *ticket) {
    ERR_clear_error();
    ctls_client *client = calloc(1, sizeof *client);
    if (client != NULL && !set_up(client, options, ticket)) {
        ctls_client_free(client);
        return NULL;
    }
    return client;
}

void ctls_client_free(ctls_client *client) {
    if (client == NULL) return;
    // Else OpenSSL takes the session for one that was cut off, and never resumes it.
    if (client->ssl != NULL) SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    BIO_free(client->plaintext);
    free(client);
}

ctls_progress ctls_client_take(ctls_client *client, const void *bytes, size_t count) {
    if (count > 0) BIO_write(client->from_server, bytes, (int)count);
    while (true) {
        char piece[16384];
        ERR_clear_error();
        int result = SSL_read(client->ssl, piece, sizeof piece);
        if (result > 0) {
            BIO_write(client->plaintext, piece, result);
            continue;
        }
        switch (SSL_get_error(client->ssl, result)) {
        case SSL_ERROR_WANT_READ: return CTLS_WAITING;
        case SSL_ERROR_ZERO_RETURN: return CTLS_CLOSED;
        default: break;
        }
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        if (client->error[0] == '\0') {
            BIO_snprintf(client->error, sizeof client->error, "%s", reason == NULL ? "broken" : reason);
        }
        return CTLS_FAILED;
    }
}

static size_t move(BIO *from, void *out, size_t capacity) {
    int count = BIO_read(from, out, (int)capacity);
    return count > 0 ? (size_t)count : 0;
}

size_t ctls_client_sent(ctls_client *client, void *out, size_t capacity) {
    return move(client->to_server, out, capacity);
}

size_t ctls_client_received(ctls_client *client, void *out, size_t capacity) {
    return move(client->plaintext, out, capacity);
}

bool ctls_client_send(ctls_client *client, const void *bytes, size_t count) {
    ERR_clear_error();
    return SSL_write(client->ssl, bytes, (int)count) == (int)count;
}

void ctls_client_close(ctls_client *client) { SSL_shutdown(client->ssl); }

bool ctls_client_renegotiate(ctls_client *client) {
    ERR_clear_error();
    bool asked = SSL_version(client->ssl) == TLS1_3_VERSION
                     ? SSL_key_update(client->ssl, SSL_KEY_UPDATE_REQUESTED) == 1
                     : SSL_renegotiate(client->ssl) == 1;
    SSL_do_handshake(client->ssl);
    return asked;
}

bool ctls_client_is_ready(const ctls_client *client) { return SSL_is_init_finished(client->ssl); }

bool ctls_client_is_resumed(const ctls_client *client) { return SSL_session_reused(client->ssl); }

const char *ctls_client_version(const ctls_client *client) { return SSL_get_version(client->ssl); }

const char *ctls_client_cipher(const ctls_client *client) { return SSL_get_cipher_name(client->ssl); }

const char *ctls_client_error(const ctls_client *client) { return client->error; }

void ctls_client_server_name(const ctls_client *client, char *out, size_t capacity) {
    out[0] = '\0';
    X509 *certificate = SSL_get0_peer_certificate(client->ssl);
    if (certificate == NULL) return;
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out, (int)capacity);
}

void ctls_client_protocol(const ctls_client *client, char *out, size_t capacity) {
    const unsigned char *protocol;
    unsigned int count;
    SSL_get0_alpn_selected(client->ssl, &protocol, &count);
    BIO_snprintf(out, capacity, "%.*s", (int)count, (const char *)protocol);
}

ctls_ticket *ctls_client_ticket(const ctls_client *client) {
    SSL_SESSION *session = SSL_get1_session(client->ssl);
    if (session != NULL && SSL_SESSION_is_resumable(session)) return (ctls_ticket *)session;
    SSL_SESSION_free(session);
    return NULL;
}

void ctls_ticket_free(ctls_ticket *ticket) { SSL_SESSION_free((SSL_SESSION *)ticket); }
