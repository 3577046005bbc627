// The server's side of TLS 1.2 and 1.3, without sockets: what arrived goes in, what is to be sent comes out, and both
// are plain bytes. What OpenSSL must be told to be strict is told here; who is served with which certificate, and what
// becomes of a connection that failed, is decided in Sources/Server.
#pragma once

#include "cssl.h"

#pragma clang assume_nonnull begin

/// Takes `count` bytes, which are gone when it returns.
typedef void (*cssl_sink)(void *_Nullable receiver, const void *bytes, size_t count);

// MARK: Ticket keys

/// The keys that session tickets are encrypted with. Any thread may use them.
typedef struct cssl_tls_tickets cssl_tls_tickets;

/// Keys that are new at `now_seconds`, on any clock that does not go back. NULL when OpenSSL has no memory or no
/// random numbers.
cssl_tls_tickets *_Nullable cssl_tls_tickets_new(int64_t now_seconds);
void cssl_tls_tickets_free(cssl_tls_tickets *_Nullable tickets);

/// How long new tickets are made with the same key. A key opens tickets for as long again.
enum { CSSL_TLS_TICKET_KEY_SECONDS = 12 * 60 * 60 };

/// Changes keys that have served their time at `now_seconds`.
void cssl_tls_tickets_rotate(cssl_tls_tickets *tickets, int64_t now_seconds);

// MARK: Settings

/// What is wrong with a certificate, a key or a list of issuers.
typedef enum cssl_tls_problem {
    CSSL_TLS_FINE = 0,
    /// OpenSSL refused for want of memory, or for a reason that only its own text tells (`cssl_error_text`).
    CSSL_TLS_REFUSED,
    CSSL_TLS_NO_CERTIFICATE,
    /// A PEM block says CERTIFICATE and holds something else.
    CSSL_TLS_CERTIFICATE_UNREADABLE,
    /// A key, or the digest of a signature, that is weaker than 112 bits, such as RSA with 1024 bits or SHA-1; or a key
    /// that modern TLS has no use for, such as one of DSA.
    CSSL_TLS_CERTIFICATE_WEAK,
    /// A certificate in the file is not the issuer of the one before it.
    CSSL_TLS_CHAIN_BROKEN,
    CSSL_TLS_NO_KEY,
    CSSL_TLS_KEY_ENCRYPTED,
    CSSL_TLS_KEY_MISMATCH,
    /// The key belongs to a certificate that is not the first of the file.
    CSSL_TLS_KEY_OF_A_LATER_CERTIFICATE,
} cssl_tls_problem;

/// Certificates with keys, and what clients must show. Not written once its first session is made, so that any thread
/// may make sessions; it must outlive them, and its ticket keys must outlive it.
typedef struct cssl_tls_context cssl_tls_context;

/// A context without certificates, for TLS 1.2 and 1.3, or 1.3 alone. NULL when memory is exhausted.
cssl_tls_context *_Nullable cssl_tls_context_new(cssl_tls_tickets *tickets, bool only_tls13);
void cssl_tls_context_free(cssl_tls_context *_Nullable context);

/// Requires of each client a certificate that one of these (PEM) issued, or that is one of these. To be called before
/// identities are added. Tickets are not given out then: each connection shows its certificate.
///
/// `ends_at_seconds` gets the time, since 1970, when the last of them ends.
cssl_tls_problem cssl_tls_context_require_client(cssl_tls_context *context, cssl_bytes issuers,
                                                 int64_t *ends_at_seconds);

/// Adds a certificate, with those that lead to its root behind it, and its key, all in PEM.
cssl_tls_problem cssl_tls_context_add_identity(cssl_tls_context *context, cssl_bytes certificates, cssl_bytes key);

/// When a certificate is in force, in seconds since 1970.
typedef struct cssl_tls_validity {
    int64_t begins_at_seconds;
    int64_t ends_at_seconds;
    /// When the first of all certificates in the file ends.
    int64_t chain_ends_at_seconds;
} cssl_tls_validity;

/// The validity of the identity that was added as number `index`.
cssl_tls_validity cssl_tls_context_validity(const cssl_tls_context *context, size_t index);

/// Hands each name and address that the certificate number `index` is for to `sink`, as text.
void cssl_tls_context_names(const cssl_tls_context *context, size_t index, void *_Nullable receiver, cssl_sink sink);

// MARK: Sessions

/// One connection. For one thread at a time.
typedef struct cssl_tls_session cssl_tls_session;

/// The server's side of a new connection; the context must hold an identity. NULL when memory is exhausted.
cssl_tls_session *_Nullable cssl_tls_session_new(const cssl_tls_context *context);
void cssl_tls_session_free(cssl_tls_session *_Nullable session);

/// What became of bytes that arrived.
typedef enum cssl_tls_progress {
    /// Some plaintext came out; there may be more.
    CSSL_TLS_PLAINTEXT,
    /// All were taken, and more are needed.
    CSSL_TLS_NEEDS_MORE,
    /// The client said that it sends nothing more (close_notify).
    CSSL_TLS_CLOSED,
    /// The connection cannot go on; `cssl_tls_session_failure` tells why.
    CSSL_TLS_FAILED,
} cssl_tls_progress;

/// Takes what it needs of `ciphertext`, moving its start on, until some plaintext is in `plaintext`, which has room for
/// `capacity` bytes (at least 1), and `count` of them are written. Whatever is to be sent to the client (the handshake,
/// tickets, alerts) goes to `sink`.
cssl_tls_progress cssl_tls_session_receive(cssl_tls_session *session, cssl_bytes *ciphertext, void *plaintext,
                                           size_t capacity, size_t *count, void *_Nullable receiver, cssl_sink sink);

/// Encrypts `plaintext` to `sink`. False where the handshake is not over or the connection has failed.
bool cssl_tls_session_send(cssl_tls_session *session, cssl_bytes plaintext, void *_Nullable receiver, cssl_sink sink)
    __attribute__((warn_unused_result));

/// Says to the client that nothing more is sent (close_notify).
void cssl_tls_session_close(cssl_tls_session *session, void *_Nullable receiver, cssl_sink sink);

/// Kinds of failures that are answered or told of in different ways.
typedef enum cssl_tls_failure {
    CSSL_TLS_OTHER_FAILURE = 0,
    /// The first bytes were a request of HTTP without TLS.
    CSSL_TLS_PLAIN_HTTP,
    CSSL_TLS_NO_COMMON_VERSION,
    /// No cipher, group or kind of signature that both sides have.
    CSSL_TLS_NO_COMMON_CIPHER,
    CSSL_TLS_NO_CLIENT_CERTIFICATE,
    CSSL_TLS_CLIENT_CERTIFICATE_REFUSED,
    /// The client offers application protocols, and http/1.1 is not among them.
    CSSL_TLS_NO_COMMON_PROTOCOL,
    /// The client ended it with an alert, such as one that refuses our certificate.
    CSSL_TLS_CLIENT_ALERT,
} cssl_tls_failure;

/// Why `cssl_tls_session_receive` has just failed, on the same thread: its kind, and OpenSSL's words for it, with a
/// terminating NUL. They hold nothing that the client wrote.
cssl_tls_failure cssl_tls_session_failure(const cssl_tls_session *session, char *out, size_t capacity);

bool cssl_tls_session_is_handshaking(const cssl_tls_session *session);
bool cssl_tls_session_is_resumed(const cssl_tls_session *session);
/// Such as `TLSv1.3`.
const char *cssl_tls_session_version(const cssl_tls_session *session);
/// Such as `TLS_AES_128_GCM_SHA256`; empty before there is one.
const char *cssl_tls_session_cipher(const cssl_tls_session *session);
/// Whether the client offered http/1.1 as its application protocol (ALPN).
bool cssl_tls_session_has_protocol(const cssl_tls_session *session);
/// Hands the subject of the client's certificate to `sink` (RFC 2253: ASCII, all else escaped); nothing where the
/// client showed none.
void cssl_tls_session_client_subject(const cssl_tls_session *session, void *_Nullable receiver, cssl_sink sink);

#pragma clang assume_nonnull end
