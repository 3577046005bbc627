// One connection. OpenSSL reads from a window on what the caller received and writes to the caller's sink, through a
// BIO that knows nothing else: no descriptor, no waiting, no system call.
#include "tls_internal.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

struct cssl_tls_session {
    SSL *ssl;
    /// What has arrived and OpenSSL has not taken. Only during a call.
    cssl_bytes window;
    /// Where to write to. Only during a call.
    cssl_sink sink;
    void *receiver;
    /// Whether what is written now is neither of the handshake nor asked for by us.
    bool is_unasked;
    /// How often that was so.
    uint8_t unasked_count;
    bool has_failed;
};

/// How often a client may have us write what nobody asked for. Each change of keys (RFC 8446 §4.6.3) and each refusal
/// of another handshake is one. A client that never reads could fill our memory with them; an honest one changes keys
/// after millions of records.
enum { UNASKED_LIMIT = 32 };

// MARK: The BIO

static int window_read(BIO *bio, char *out, size_t capacity, size_t *count) {
    cssl_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *count = session->window.count < capacity ? session->window.count : capacity;
    if (*count == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, session->window.start, *count);
    session->window.start = (const uint8_t *)session->window.start + *count;
    session->window.count -= *count;
    return 1;
}

static int sink_write(BIO *bio, const char *bytes, size_t count, size_t *written) {
    cssl_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *written = count;
    if (session->sink == NULL) return 0;
    if (session->is_unasked && ++session->unasked_count > UNASKED_LIMIT) return 0;
    session->sink(session->receiver, bytes, count);
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    // Nothing is held back, so there is nothing to flush; without this answer OpenSSL would wait for it.
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *window_method;
static pthread_once_t window_method_once = PTHREAD_ONCE_INIT;

static void make_window_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "window");
    if (method != NULL && BIO_meth_set_read_ex(method, window_read) && BIO_meth_set_write_ex(method, sink_write) &&
        BIO_meth_set_ctrl(method, control)) {
        window_method = method;
    } else {
        BIO_meth_free(method);
    }
}

// MARK: Life

cssl_tls_session *cssl_tls_session_new(const cssl_tls_context *context) {
    pthread_once(&window_method_once, make_window_method);
    if (window_method == NULL) return NULL;
    ERR_clear_error();
    cssl_tls_session *session = OPENSSL_zalloc(sizeof *session);
    SSL *ssl = SSL_new(context->identities[0]);
    BIO *bio = BIO_new(window_method);
    if (session == NULL || ssl == NULL || bio == NULL) {
        OPENSSL_free(session);
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    session->ssl = ssl;
    return session;
}

void cssl_tls_session_free(cssl_tls_session *session) {
    if (session == NULL) return;
    SSL_free(session->ssl);
    OPENSSL_free(session);
}

// MARK: Bytes

cssl_tls_progress cssl_tls_session_receive(cssl_tls_session *session, cssl_bytes *ciphertext, void *plaintext,
                                           size_t capacity, size_t *count, void *receiver, cssl_sink sink) {
    *count = 0;
    ERR_clear_error();
    session->window = *ciphertext;
    session->receiver = receiver;
    session->sink = sink;
    session->is_unasked = SSL_is_init_finished(session->ssl);
    int result = SSL_read_ex(session->ssl, plaintext, capacity, count);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, result);
    *ciphertext = session->window;
    session->window = (cssl_bytes){NULL, 0};
    session->sink = NULL;
    session->is_unasked = false;
    switch (error) {
    case SSL_ERROR_NONE: return CSSL_TLS_PLAINTEXT;
    case SSL_ERROR_WANT_READ: return CSSL_TLS_NEEDS_MORE;
    case SSL_ERROR_ZERO_RETURN: return CSSL_TLS_CLOSED;
    default: session->has_failed = true; return CSSL_TLS_FAILED;
    }
}

bool cssl_tls_session_send(cssl_tls_session *session, cssl_bytes plaintext, void *receiver, cssl_sink sink) {
    if (session->has_failed || !SSL_is_init_finished(session->ssl)) return false;
    if (plaintext.count == 0) return true;
    ERR_clear_error();
    session->receiver = receiver;
    session->sink = sink;
    size_t written = 0;
    // The sink takes everything, so it is written whole or not at all.
    bool is_written = SSL_write_ex(session->ssl, plaintext.start, plaintext.count, &written) == 1;
    session->sink = NULL;
    session->has_failed = !is_written;
    return is_written;
}

void cssl_tls_session_close(cssl_tls_session *session, void *receiver, cssl_sink sink) {
    // OpenSSL forbids it after a failure, when an alert has been sent in its place, and before there are keys.
    if (session->has_failed || !SSL_is_init_finished(session->ssl)) return;
    ERR_clear_error();
    session->receiver = receiver;
    session->sink = sink;
    SSL_shutdown(session->ssl);
    session->sink = NULL;
}

// MARK: What went wrong

/// OpenSSL's reasons for what is told apart. Those of the client's alerts begin at SSL_AD_REASON_OFFSET.
static cssl_tls_failure kind_of(int reason) {
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return CSSL_TLS_PLAIN_HTTP;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_INAPPROPRIATE_FALLBACK: return CSSL_TLS_NO_COMMON_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return CSSL_TLS_NO_COMMON_CIPHER;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return CSSL_TLS_NO_CLIENT_CERTIFICATE;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return CSSL_TLS_CLIENT_CERTIFICATE_REFUSED;
    case SSL_R_NO_APPLICATION_PROTOCOL: return CSSL_TLS_NO_COMMON_PROTOCOL;
    default: return reason > SSL_AD_REASON_OFFSET ? CSSL_TLS_CLIENT_ALERT : CSSL_TLS_OTHER_FAILURE;
    }
}

cssl_tls_failure cssl_tls_session_failure(const cssl_tls_session *session, char *out, size_t capacity) {
    unsigned long error = ERR_peek_error();
    bool is_of_tls = ERR_GET_LIB(error) == ERR_LIB_SSL;
    cssl_tls_failure kind = is_of_tls ? kind_of(ERR_GET_REASON(error)) : CSSL_TLS_OTHER_FAILURE;
    const char *text = ERR_reason_error_string(error);
    if (kind == CSSL_TLS_CLIENT_CERTIFICATE_REFUSED) {
        text = X509_verify_cert_error_string(SSL_get_verify_result(session->ssl));
    } else if (kind == CSSL_TLS_CLIENT_ALERT) {
        text = SSL_alert_desc_string_long(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET);
    }
    if (session->unasked_count > UNASKED_LIMIT) text = "new keys, again and again";
    BIO_snprintf(out, capacity, "%s", text == NULL ? "it is broken" : text);
    ERR_clear_error();
    return kind;
}

// MARK: What was agreed on

bool cssl_tls_session_is_handshaking(const cssl_tls_session *session) {
    return SSL_is_init_finished(session->ssl) == 0;
}

bool cssl_tls_session_is_resumed(const cssl_tls_session *session) { return SSL_session_reused(session->ssl) == 1; }

const char *cssl_tls_session_version(const cssl_tls_session *session) { return SSL_get_version(session->ssl); }

const char *cssl_tls_session_cipher(const cssl_tls_session *session) {
    const SSL_CIPHER *cipher = SSL_get_current_cipher(session->ssl);
    return cipher == NULL ? "" : SSL_CIPHER_get_name(cipher);
}

bool cssl_tls_session_has_protocol(const cssl_tls_session *session) {
    const unsigned char *protocol;
    unsigned int count;
    SSL_get0_alpn_selected(session->ssl, &protocol, &count);
    return count > 0;
}

void cssl_tls_session_client_subject(const cssl_tls_session *session, void *receiver, cssl_sink sink) {
    const X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    BIO *writer = certificate == NULL ? NULL : BIO_new(BIO_s_mem());
    if (writer == NULL) return;
    char *text = NULL;
    if (X509_NAME_print_ex(writer, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        long count = BIO_get_mem_data(writer, &text);
        if (count > 0) sink(receiver, text, (size_t)count);
    }
    BIO_free(writer);
}
