/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client of a TLS connection whose bytes the host moves: it looks at what
 * the server shows, and refuses nothing.  All that comes in is a stranger's.
 */

#ifndef TLSRPT_TLS_PROBE_H
#define TLSRPT_TLS_PROBE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_TLS_MAX_CHAIN  10        /* certificates; more are left out */
#define TLSRPT_TLS_MAX_NAMES  256       /* of the first of them */
#define TLSRPT_TLS_MAX_NAME   253
#define TLSRPT_TLS_MAX_TEXT   128       /* a certificate's subject, in bytes */
#define TLSRPT_TLS_MAX_ERROR  160
#define TLSRPT_TLS_MAX_READ   16384

typedef struct tlsrpt_tls_probe_s  tlsrpt_tls_probe_t;

typedef enum {
    TLSRPT_TLS_MORE,                    /* the handshake wants more bytes */
    TLSRPT_TLS_DONE,                    /* it is over */
    TLSRPT_TLS_FAILED
} tlsrpt_tls_state_t;

/* SHA-256 and SHA-512, as hexadecimal digits. */
typedef struct {
    char     sha256[65];
    char     sha512[129];
} tlsrpt_tls_digests_t;

typedef struct {
    char     subject[TLSRPT_TLS_MAX_TEXT + 1];      /* RFC 4514, ASCII */
    char     issuer[TLSRPT_TLS_MAX_TEXT + 1];
    int64_t  not_before;                /* seconds of the epoch */
    int64_t  not_after;
    tlsrpt_tls_digests_t  whole;        /* of all of it */
    tlsrpt_tls_digests_t  key;          /* of its SubjectPublicKeyInfo */
    unsigned  issued:1;                 /* the next one sent has signed it */
} tlsrpt_tls_certificate_t;

/* A probe that says it wants name (RFC 6066 3), NULL where there is no memory,
   or no OpenSSL that works.  Certificates are checked against the system's
   authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR. */
tlsrpt_tls_probe_t *tlsrpt_tls_probe_create(const char *name);
void tlsrpt_tls_probe_destroy(tlsrpt_tls_probe_t *probe);

/* Takes bytes of the server, and goes on with the handshake. */
tlsrpt_tls_state_t tlsrpt_tls_probe_feed(tlsrpt_tls_probe_t *probe,
    const char *bytes, size_t len);

/* Why it failed; "" before that. */
const char *tlsrpt_tls_probe_error(const tlsrpt_tls_probe_t *probe);

/* What is to be sent to the server; it is the probe's, until the next call. */
size_t tlsrpt_tls_probe_output(tlsrpt_tls_probe_t *probe, const char **bytes);
void tlsrpt_tls_probe_sent(tlsrpt_tls_probe_t *probe);

/* After the handshake: what the server said, some of it at a time, 0: no more
   yet; *closed: and nothing will come.  write: 0 where it cannot be said. */
size_t tlsrpt_tls_probe_read(tlsrpt_tls_probe_t *probe,
    char buf[TLSRPT_TLS_MAX_READ], int *closed);
int tlsrpt_tls_probe_write(tlsrpt_tls_probe_t *probe, const char *text,
    size_t len);

/* After the handshake.  The version, as "TLSv1.3"; OpenSSL's number (X509_V_)
   for the chain, without the name, and what it means. */
const char *tlsrpt_tls_probe_version(const tlsrpt_tls_probe_t *probe);
long tlsrpt_tls_probe_verified(const tlsrpt_tls_probe_t *probe);
const char *tlsrpt_tls_verify_text(long code);

/* The certificates as sent, the server's own first. */
size_t tlsrpt_tls_probe_chain(const tlsrpt_tls_probe_t *probe,
    tlsrpt_tls_certificate_t chain[TLSRPT_TLS_MAX_CHAIN]);

/* The next name (dNSName) of the server's certificate, in lower case; 0: there
   is none.  *at: 0 at first. */
int tlsrpt_tls_probe_name(const tlsrpt_tls_probe_t *probe, size_t *at,
    char name[TLSRPT_TLS_MAX_NAME + 1]);

#pragma GCC visibility pop

#endif /* TLSRPT_TLS_PROBE_H */
