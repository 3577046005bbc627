#include "ctlspeer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

struct ctlspeer_server {
    SSL_CTX *context;
    bool http2;
};

struct ctlspeer_connection {
    SSL *ssl;
};

static int choose_http2(SSL *ssl, const unsigned char **out, unsigned char *count, const unsigned char *offered,
                        unsigned int offered_count, void *unused) {
    (void)ssl, (void)unused;
    static const unsigned char ours[] = "\x02h2";
    int found = SSL_select_next_proto((unsigned char **)out, count, ours, 3, offered, offered_count);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static X509 *read_certificate(const char *pem) {
    BIO *memory = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    BIO_free(memory);
    return certificate;
}

bool ctlspeer_pin(const char *pem, unsigned char *out) {
    X509 *certificate = read_certificate(pem);
    unsigned char *bytes = NULL;
    int count = i2d_PUBKEY(X509_get0_pubkey(certificate), &bytes);
    bool done = count > 0 && EVP_Digest(bytes, (size_t)count, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(bytes);
    X509_free(certificate);
    return done;
}

ctlspeer_server *ctlspeer_server_new(const char *certificate_pem, const char *key_pem, const char *clients,
                                     bool http2) {
    ctlspeer_server *server = OPENSSL_zalloc(sizeof *server);
    server->context = SSL_CTX_new(TLS_server_method());
    server->http2 = http2;
    X509 *certificate = read_certificate(certificate_pem);
    BIO *memory = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL);
    BIO_free(memory);
    bool done = SSL_CTX_use_certificate(server->context, certificate) && SSL_CTX_use_PrivateKey(server->context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (http2) SSL_CTX_set_alpn_select_cb(server->context, choose_http2, NULL);
    if (clients != NULL) {
        X509 *authority = read_certificate(clients);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(server->context), authority);
        X509_free(authority);
        SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (done) return server;
    ctlspeer_server_free(server);
    return NULL;
}

void ctlspeer_server_free(ctlspeer_server *server) {
    SSL_CTX_free(server->context);
    OPENSSL_free(server);
}

ctlspeer_connection *ctlspeer_accept(ctlspeer_server *server, int descriptor) {
    SSL *ssl = SSL_new(server->context);
    SSL_set_fd(ssl, descriptor);
    if (SSL_accept(ssl) <= 0) {
        SSL_free(ssl);
        return NULL;
    }
    ctlspeer_connection *connection = OPENSSL_zalloc(sizeof *connection);
    connection->ssl = ssl;
    return connection;
}

bool ctlspeer_is_http2(ctlspeer_connection *connection) {
    const unsigned char *name = NULL;
    unsigned int count = 0;
    SSL_get0_alpn_selected(connection->ssl, &name, &count);
    return count == 2 && memcmp(name, "h2", 2) == 0;
}

long ctlspeer_read(ctlspeer_connection *connection, void *bytes, size_t count) {
    return SSL_read(connection->ssl, bytes, (int)count);
}

long ctlspeer_write(ctlspeer_connection *connection, const void *bytes, size_t count) {
    return SSL_write(connection->ssl, bytes, (int)count);
}

void ctlspeer_connection_free(ctlspeer_connection *connection) {
    SSL_free(connection->ssl);
    OPENSSL_free(connection);
}
