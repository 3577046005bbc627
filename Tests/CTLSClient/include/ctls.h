// The other end of a TLS connection, in memory, and an authority that issues certificates: what tests of the server's
// side need and the product must not hold. No socket and no file is touched.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// MARK: Certificates

/// What a certificate is to be like.
typedef struct ctls_wish {
    /// The common name of its subject.
    const char *common_name;
    /// Its names as OpenSSL's configuration writes them, such as `DNS:a.example,IP:127.0.0.1`.
    const char *_Nullable names;
    /// `P-256`, `ED25519`, `DSA` (slow), or RSA with its bits: `RSA-2048`.
    const char *key_kind;
    /// The digest of its signature; NULL for SHA-256.
    const char *_Nullable digest;
    /// Encrypts the key.
    const char *_Nullable passphrase;
    /// When it is in force, in seconds since 1970.
    int64_t begins_at_seconds;
    int64_t ends_at_seconds;
    bool is_authority;
    /// Who issues it, in PEM; itself where they are NULL.
    const char *_Nullable issuer_certificate;
    const char *_Nullable issuer_key;
} ctls_wish;

/// A certificate and its key in PEM, each to be freed.
typedef struct ctls_pair {
    char *_Nullable certificate;
    char *_Nullable key;
} ctls_pair;

/// Makes a key and a certificate; both are NULL where OpenSSL would not.
ctls_pair ctls_issue(const ctls_wish *wish);

// MARK: The client

/// How a client is to behave.
typedef struct ctls_options {
    /// Versions as they are on the wire, such as 0x0303 for TLS 1.2.
    int minimum_version;
    int maximum_version;
    /// Its ciphers up to TLS 1.2 as OpenSSL names them; NULL for the usual.
    const char *_Nullable ciphers;
    /// The name it asks for; NULL for none.
    const char *_Nullable server_name;
    /// The application protocols it offers, as ALPN writes them; NULL for none.
    const char *_Nullable protocols;
    /// Whom it trusts, in PEM; NULL for anybody.
    const char *_Nullable issuers;
    /// What it shows, in PEM; NULL for nothing.
    const char *_Nullable certificate;
    const char *_Nullable key;
} ctls_options;

typedef struct ctls_client ctls_client;
typedef struct ctls_ticket ctls_ticket;

/// NULL where OpenSSL refuses the options.
ctls_client *_Nullable ctls_client_new(const ctls_options *options, ctls_ticket *_Nullable ticket);
void ctls_client_free(ctls_client *_Nullable client);

/// What came of a step.
typedef enum ctls_progress {
    /// It waits for the server.
    CTLS_WAITING,
    /// The server said that it sends nothing more.
    CTLS_CLOSED,
    /// The connection cannot go on; `ctls_client_error` tells why.
    CTLS_FAILED,
} ctls_progress;

/// Takes bytes from the server, goes on with the handshake, and decrypts what is there.
ctls_progress ctls_client_take(ctls_client *client, const void *_Nullable bytes, size_t count);
/// Moves up to `capacity` bytes that are to be sent to the server to `out`.
size_t ctls_client_sent(ctls_client *client, void *out, size_t capacity);
/// Moves up to `capacity` bytes that the server said to `out`.
size_t ctls_client_received(ctls_client *client, void *out, size_t capacity);
bool ctls_client_send(ctls_client *client, const void *bytes, size_t count);
void ctls_client_close(ctls_client *client);
/// Begins another handshake in TLS 1.2, or changes keys on both sides in TLS 1.3.
bool ctls_client_renegotiate(ctls_client *client);

bool ctls_client_is_ready(const ctls_client *client);
bool ctls_client_is_resumed(const ctls_client *client);
const char *ctls_client_version(const ctls_client *client);
const char *ctls_client_cipher(const ctls_client *client);
const char *ctls_client_error(const ctls_client *client);
/// The common name of the server's certificate and the protocol agreed on, with a terminating NUL; empty for none.
void ctls_client_server_name(const ctls_client *client, char *out, size_t capacity);
void ctls_client_protocol(const ctls_client *client, char *out, size_t capacity);

/// What the client may resume with; NULL where the server gave no ticket.
ctls_ticket *_Nullable ctls_client_ticket(const ctls_client *client);
void ctls_ticket_free(ctls_ticket *_Nullable ticket);

#pragma clang assume_nonnull end
