// The other end of TLS connections that hookd opens: a server, for tests only.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// SHA-256 of the public key of a certificate in PEM, for pinning; 32 bytes.
bool ctlspeer_pin(const char *certificate, unsigned char *out);

/// A server's settings.
typedef struct ctlspeer_server ctlspeer_server;
/// - clients: the authority that clients have to show a certificate of; NULL for no client certificate.
/// - http2: whether HTTP/2 is offered.
ctlspeer_server *_Nullable ctlspeer_server_new(
    const char *certificate, const char *key, const char *_Nullable clients, bool http2);
void ctlspeer_server_free(ctlspeer_server *server);

/// A connection whose handshake is done.
typedef struct ctlspeer_connection ctlspeer_connection;
/// NULL where the handshake fails.
ctlspeer_connection *_Nullable ctlspeer_accept(ctlspeer_server *server, int descriptor);
bool ctlspeer_is_http2(ctlspeer_connection *connection);
/// As read(2) and write(2), blocking.
long ctlspeer_read(ctlspeer_connection *connection, void *bytes, size_t count);
long ctlspeer_write(ctlspeer_connection *connection, const void *bytes, size_t count);
/// The descriptor stays open.
void ctlspeer_connection_free(ctlspeer_connection *connection);

#pragma clang assume_nonnull end
