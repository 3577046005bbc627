// The keys of session tickets (RFC 5077 §4, and the same for RFC 8446 §4.6.1): AES-256-CBC and HMAC-SHA256. Two are
// known at a time, the one that encrypts and the one before it. Whoever steals a key reads what was sent by TLS 1.2
// under its tickets, so a key lives for a day at the most, and in memory only.
#include "tls_internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

enum { NAME_BYTES = 16, IV_BYTES = 16, KEY_BYTES = 32 };

typedef struct ticket_key {
    uint8_t name[NAME_BYTES];
    uint8_t cipher[KEY_BYTES];
    uint8_t mac[KEY_BYTES];
    int64_t made_at_seconds;
    bool is_set;
} ticket_key;

struct cssl_tls_tickets {
    pthread_mutex_t lock;
    ticket_key current;
    ticket_key previous;
};

static bool make_key(ticket_key *key, int64_t now_seconds) {
    key->made_at_seconds = now_seconds;
    key->is_set = RAND_bytes(key->name, NAME_BYTES) == 1 && RAND_priv_bytes(key->cipher, KEY_BYTES) == 1 &&
                  RAND_priv_bytes(key->mac, KEY_BYTES) == 1;
    return key->is_set;
}

cssl_tls_tickets *cssl_tls_tickets_new(int64_t now_seconds) {
    cssl_tls_tickets *tickets = OPENSSL_zalloc(sizeof *tickets);
    if (tickets == NULL) return NULL;
    if (pthread_mutex_init(&tickets->lock, NULL) != 0) {
        OPENSSL_free(tickets);
        return NULL;
    }
    if (!make_key(&tickets->current, now_seconds)) {
        cssl_tls_tickets_free(tickets);
        return NULL;
    }
    return tickets;
}

void cssl_tls_tickets_free(cssl_tls_tickets *tickets) {
    if (tickets == NULL) return;
    pthread_mutex_destroy(&tickets->lock);
    OPENSSL_clear_free(tickets, sizeof *tickets);
}

void cssl_tls_tickets_rotate(cssl_tls_tickets *tickets, int64_t now_seconds) {
    pthread_mutex_lock(&tickets->lock);
    int64_t age = now_seconds - tickets->current.made_at_seconds;
    if (age >= CSSL_TLS_TICKET_KEY_SECONDS) {
        ticket_key next;
        // Without random numbers the old key goes on: connections matter more than its age.
        if (make_key(&next, now_seconds)) {
            tickets->previous = tickets->current;
            tickets->current = next;
        }
        OPENSSL_cleanse(&next, sizeof next);
    }
    // At once, where there was no connection for a day.
    if (now_seconds - tickets->previous.made_at_seconds >= 2 * CSSL_TLS_TICKET_KEY_SECONDS) {
        OPENSSL_cleanse(&tickets->previous, sizeof tickets->previous);
    }
    pthread_mutex_unlock(&tickets->lock);
}

static bool set_mac(EVP_MAC_CTX *mac, const ticket_key *key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(mac, key->mac, KEY_BYTES, parameters) == 1;
}

/// Which key a ticket of `name` was made with: 1 for the current, 2 for the one before it, 0 for none that is known.
static int find_key(cssl_tls_tickets *tickets, const uint8_t *name, ticket_key *out) {
    int found = 0;
    pthread_mutex_lock(&tickets->lock);
    if (memcmp(tickets->current.name, name, NAME_BYTES) == 0) {
        *out = tickets->current;
        found = 1;
    } else if (tickets->previous.is_set && memcmp(tickets->previous.name, name, NAME_BYTES) == 0) {
        *out = tickets->previous;
        found = 2;
    }
    pthread_mutex_unlock(&tickets->lock);
    return found;
}

/// Called by OpenSSL to make a ticket or to open one: SSL_CTX_set_tlsext_ticket_key_evp_cb(3) says what it returns.
static int prepare_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                          int encrypts) {
    cssl_tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    ticket_key key;
    int result;
    if (encrypts) {
        pthread_mutex_lock(&tickets->lock);
        key = tickets->current;
        pthread_mutex_unlock(&tickets->lock);
        memcpy(name, key.name, NAME_BYTES);
        bool done = RAND_bytes(iv, IV_BYTES) == 1 &&
                    EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && set_mac(mac, &key);
        result = done ? 1 : -1;
    } else {
        result = find_key(tickets, name, &key);
        if (result == 0) return 0;
        // A ticket of the key before this one is good, and is replaced by a new one (2).
        if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) != 1 || !set_mac(mac, &key)) {
            result = -1;
        }
    }
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

bool cssl_tls_use_tickets(SSL_CTX *identity, cssl_tls_tickets *tickets) {
    return SSL_CTX_set_app_data(identity, tickets) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(identity, prepare_ticket) == 1;
}
