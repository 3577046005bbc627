#include "ctlspeer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

struct ctlspeer_server {
    SSL_CTX *context;
    bool http2;
};

struct ctlspeer_connection {
    SSL *ssl;
};

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static X509 *make(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *alternative) {
    static long serial = 1;
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer == NULL ? subject : X509_get_subject_name(issuer));
    bool done = alternative == NULL
                    ? add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE")
                    : add_extension(certificate, issuer, NID_subject_alt_name, alternative);
    if (done && X509_sign(certificate, issuer_key, EVP_sha256()) > 0) return certificate;
    X509_free(certificate);
    return NULL;
}

static bool write_pem(char *out, X509 *certificate, EVP_PKEY *key) {
    BIO *memory = BIO_new(BIO_s_mem());
    bool done = certificate != NULL ? PEM_write_bio_X509(memory, certificate)
                                    : PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    int count = done ? BIO_read(memory, out, 4095) : 0;
    out[count > 0 ? count : 0] = '\0';
    BIO_free(memory);
    return count > 0;
}

static bool hash_key(EVP_PKEY *key, unsigned char *out) {
    unsigned char *bytes = NULL;
    int count = i2d_PUBKEY(key, &bytes);
    bool done = count > 0 && EVP_Digest(bytes, (size_t)count, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(bytes);
    return done;
}

bool ctlspeer_make_identity(const char *name, ctlspeer_identity *out) {
    char alternative[300];
    bool is_address = strspn(name, "0123456789.:") == strlen(name);
    snprintf(alternative, sizeof alternative, "%s:%s", is_address ? "IP" : "DNS", name);
    EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *authority = make(authority_key, "test authority", NULL, authority_key, NULL);
    X509 *certificate = authority == NULL ? NULL : make(key, name, authority, authority_key, alternative);
    bool done = certificate != NULL && write_pem(out->authority, authority, NULL) &&
                write_pem(out->certificate, certificate, NULL) && write_pem(out->key, NULL, key) &&
                hash_key(key, out->pin);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
    return done;
}

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

ctlspeer_server *ctlspeer_server_new(const ctlspeer_identity *identity, const char *clients, bool http2) {
    ctlspeer_server *server = OPENSSL_zalloc(sizeof *server);
    server->context = SSL_CTX_new(TLS_server_method());
    server->http2 = http2;
    X509 *certificate = read_certificate(identity->certificate);
    BIO *memory = BIO_new_mem_buf(identity->key, -1);
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
