/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE                 /* timegm() */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tlsrpt_tls_probe.h"


#define TLSRPT_TLS_RELOAD  3600         /* seconds: authorities are kept */


struct tlsrpt_tls_probe_s {
    SSL                 *ssl;
    BIO                 *in;            /* the SSL's */
    BIO                 *out;
    GENERAL_NAMES       *names;         /* of the server's certificate */
    tlsrpt_tls_state_t   state;
    char                 error[TLSRPT_TLS_MAX_ERROR];
};


/* For all probes of a worker, as reading the authorities takes long. */
static struct {
    SSL_CTX  *ctx;
    time_t    made;
} tlsrpt_tls;


static SSL_CTX *
tlsrpt_tls_make_context(void)
{
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL) {
        return NULL;
    }

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    /* checked all the same, and told by SSL_get_verify_result() */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);

    if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


static SSL_CTX *
tlsrpt_tls_context(void)
{
    time_t    now;
    SSL_CTX  *ctx;

    now = time(NULL);

    if (tlsrpt_tls.ctx != NULL && now - tlsrpt_tls.made < TLSRPT_TLS_RELOAD) {
        return tlsrpt_tls.ctx;
    }

    ctx = tlsrpt_tls_make_context();

    if (ctx != NULL) {
        SSL_CTX_free(tlsrpt_tls.ctx);   /* its probes hold it */
        tlsrpt_tls.ctx = ctx;
        tlsrpt_tls.made = now;
    }

    return tlsrpt_tls.ctx;
}


/* The SSL owns both, then. */
static int
tlsrpt_tls_probe_set_bios(tlsrpt_tls_probe_t *probe)
{
    probe->in = BIO_new(BIO_s_mem());
    probe->out = BIO_new(BIO_s_mem());

    if (probe->in == NULL || probe->out == NULL) {
        BIO_free(probe->in);
        BIO_free(probe->out);
        return 0;
    }

    SSL_set_bio(probe->ssl, probe->in, probe->out);

    return 1;
}


tlsrpt_tls_probe_t *
tlsrpt_tls_probe_create(const char *name)
{
    SSL_CTX             *ctx;
    tlsrpt_tls_probe_t  *probe;

    ctx = tlsrpt_tls_context();

    if (ctx == NULL) {
        return NULL;
    }

    probe = calloc(1, sizeof(tlsrpt_tls_probe_t));

    if (probe == NULL) {
        return NULL;
    }

    probe->ssl = SSL_new(ctx);

    if (probe->ssl == NULL || !tlsrpt_tls_probe_set_bios(probe)
        || SSL_set_tlsext_host_name(probe->ssl, name) != 1)
    {
        tlsrpt_tls_probe_destroy(probe);
        return NULL;
    }

    SSL_set_connect_state(probe->ssl);

    return probe;
}


void
tlsrpt_tls_probe_destroy(tlsrpt_tls_probe_t *probe)
{
    GENERAL_NAMES_free(probe->names);
    SSL_free(probe->ssl);
    free(probe);
}


static void
tlsrpt_tls_probe_fail(tlsrpt_tls_probe_t *probe)
{
    const char  *reason;

    reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(probe->error, sizeof(probe->error), "%s",
             reason != NULL ? reason : "the handshake failed");
    probe->state = TLSRPT_TLS_FAILED;
    ERR_clear_error();
}


static void
tlsrpt_tls_probe_finish(tlsrpt_tls_probe_t *probe)
{
    X509  *leaf;

    probe->state = TLSRPT_TLS_DONE;
    leaf = SSL_get0_peer_certificate(probe->ssl);

    if (leaf != NULL) {
        probe->names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL,
                                        NULL);
    }
}


tlsrpt_tls_state_t
tlsrpt_tls_probe_feed(tlsrpt_tls_probe_t *probe, const char *bytes, size_t len)
{
    int  rc;

    if (len > 0) {
        BIO_write(probe->in, bytes, (int) len);
    }

    if (probe->state != TLSRPT_TLS_MORE) {
        return probe->state;
    }

    ERR_clear_error();
    rc = SSL_do_handshake(probe->ssl);

    if (rc == 1) {
        tlsrpt_tls_probe_finish(probe);

    } else if (SSL_get_error(probe->ssl, rc) != SSL_ERROR_WANT_READ) {
        tlsrpt_tls_probe_fail(probe);
    }

    return probe->state;
}


const char *
tlsrpt_tls_probe_error(const tlsrpt_tls_probe_t *probe)
{
    return probe->error;
}


size_t
tlsrpt_tls_probe_output(tlsrpt_tls_probe_t *probe, const char **bytes)
{
    long   len;
    char  *data;

    len = BIO_get_mem_data(probe->out, &data);
    *bytes = data;

    return len > 0 ? (size_t) len : 0;
}


void
tlsrpt_tls_probe_sent(tlsrpt_tls_probe_t *probe)
{
    (void) BIO_reset(probe->out);
}


size_t
tlsrpt_tls_probe_read(tlsrpt_tls_probe_t *probe, char buf[TLSRPT_TLS_MAX_READ],
    int *closed)
{
    int  n;

    *closed = probe->state != TLSRPT_TLS_DONE;

    if (*closed) {
        return 0;
    }

    ERR_clear_error();
    n = SSL_read(probe->ssl, buf, TLSRPT_TLS_MAX_READ);

    if (n > 0) {
        return (size_t) n;
    }

    *closed = SSL_get_error(probe->ssl, n) != SSL_ERROR_WANT_READ;
    ERR_clear_error();

    return 0;
}


int
tlsrpt_tls_probe_write(tlsrpt_tls_probe_t *probe, const char *text, size_t len)
{
    int  written;

    if (probe->state != TLSRPT_TLS_DONE) {
        return 0;
    }

    ERR_clear_error();
    written = SSL_write(probe->ssl, text, (int) len);
    ERR_clear_error();

    return written > 0;
}


const char *
tlsrpt_tls_probe_version(const tlsrpt_tls_probe_t *probe)
{
    return SSL_get_version(probe->ssl);
}


long
tlsrpt_tls_probe_verified(const tlsrpt_tls_probe_t *probe)
{
    return SSL_get_verify_result(probe->ssl);
}


const char *
tlsrpt_tls_verify_text(long code)
{
    return X509_verify_cert_error_string(code);
}


/* As bytes of ASCII, whatever is in it. */
static void
tlsrpt_tls_name_text(const X509_NAME *name, char text[TLSRPT_TLS_MAX_TEXT + 1])
{
    int   n = 0;
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());

    if (bio != NULL) {
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
        n = BIO_read(bio, text, TLSRPT_TLS_MAX_TEXT);
        BIO_free(bio);
    }

    text[n > 0 ? n : 0] = '\0';
}


static int64_t
tlsrpt_tls_second(const ASN1_TIME *value)
{
    struct tm  tm;

    if (ASN1_TIME_to_tm(value, &tm) != 1) {
        return 0;
    }

    return (int64_t) timegm(&tm);
}


static void
tlsrpt_tls_hex(const unsigned char *der, size_t len, const EVP_MD *md,
    char *text)
{
    unsigned       i, n = 0;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    text[0] = '\0';

    if (EVP_Digest(der, len, digest, &n, md, NULL) != 1) {
        return;
    }

    for (i = 0; i < n; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
}


/* der: as i2d functions give it, which is freed here. */
static void
tlsrpt_tls_digest(unsigned char *der, int len, tlsrpt_tls_digests_t *digests)
{
    if (len <= 0) {
        return;
    }

    tlsrpt_tls_hex(der, (size_t) len, EVP_sha256(), digests->sha256);
    tlsrpt_tls_hex(der, (size_t) len, EVP_sha512(), digests->sha512);
    OPENSSL_free(der);
}


static int
tlsrpt_tls_issued(X509 *cert, X509 *issuer)
{
    int        rc;
    EVP_PKEY  *key;

    key = issuer != NULL ? X509_get0_pubkey(issuer) : NULL;
    rc = key != NULL
         && X509_check_issued(issuer, cert) == X509_V_OK
         && X509_verify(cert, key) == 1;
    ERR_clear_error();

    return rc;
}


static void
tlsrpt_tls_certificate(X509 *cert, X509 *next, tlsrpt_tls_certificate_t *seen)
{
    int             len;
    unsigned char  *der;

    memset(seen, 0, sizeof(tlsrpt_tls_certificate_t));

    tlsrpt_tls_name_text(X509_get_subject_name(cert), seen->subject);
    tlsrpt_tls_name_text(X509_get_issuer_name(cert), seen->issuer);
    seen->not_before = tlsrpt_tls_second(X509_get0_notBefore(cert));
    seen->not_after = tlsrpt_tls_second(X509_get0_notAfter(cert));
    seen->issued = tlsrpt_tls_issued(cert, next) & 1;

    der = NULL;
    len = i2d_X509(cert, &der);
    tlsrpt_tls_digest(der, len, &seen->whole);

    der = NULL;
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    tlsrpt_tls_digest(der, len, &seen->key);
}


size_t
tlsrpt_tls_probe_chain(const tlsrpt_tls_probe_t *probe,
    tlsrpt_tls_certificate_t chain[TLSRPT_TLS_MAX_CHAIN])
{
    int              i, n;
    STACK_OF(X509)  *sent;

    sent = SSL_get_peer_cert_chain(probe->ssl);
    n = sent != NULL ? sk_X509_num(sent) : 0;

    for (i = 0; i < n && i < TLSRPT_TLS_MAX_CHAIN; i++) {
        tlsrpt_tls_certificate(sk_X509_value(sent, i),
                               i + 1 < n ? sk_X509_value(sent, i + 1) : NULL,
                               &chain[i]);
    }

    return (size_t) i;
}


/* Letters, digits, and what else a name in DNS has; else it is no name that
   any host has, and may be anything. */
static int
tlsrpt_tls_copy_name(const ASN1_STRING *value,
    char name[TLSRPT_TLS_MAX_NAME + 1])
{
    int                   i, len;
    unsigned char         c;
    const unsigned char  *data;

    data = ASN1_STRING_get0_data(value);
    len = ASN1_STRING_length(value);

    if (len < 1 || len > TLSRPT_TLS_MAX_NAME) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        c = data[i];

        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char) (c | 0x20);
        }

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')
            && (c == '\0' || strchr("-._*", c) == NULL))
        {
            return 0;
        }

        name[i] = (char) c;
    }

    name[len] = '\0';

    return 1;
}


int
tlsrpt_tls_probe_name(const tlsrpt_tls_probe_t *probe, size_t *at,
    char name[TLSRPT_TLS_MAX_NAME + 1])
{
    int            n;
    GENERAL_NAME  *entry;

    n = probe->names != NULL ? sk_GENERAL_NAME_num(probe->names) : 0;

    while (*at < (size_t) n) {
        entry = sk_GENERAL_NAME_value(probe->names, (int) (*at)++);

        if (entry->type == GEN_DNS && tlsrpt_tls_copy_name(entry->d.dNSName,
                                                           name))
        {
            return 1;
        }
    }

    return 0;
}
