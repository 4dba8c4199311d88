/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <zlib.h>

#include "tlsrpt_peek.h"


#define HEAD     64                         /* bytes looked at of a text */
#define MAX_KEY  4096                       /* of a key in base64 */


/* The first bytes of what is compressed; the number of them, 0 where it cannot
   be read.  Room for HEAD bytes. */
static size_t
tlsrpt_peek_inflate_head(const void *bytes, size_t len, unsigned char *head)
{
    size_t    n;
    z_stream  zs;

    memset(&zs, 0, sizeof(zs));

    if (inflateInit2(&zs, 15 + 16) != Z_OK) {
        return 0;
    }

    zs.next_in = (Bytef *) bytes;
    zs.avail_in = len > UINT_MAX ? UINT_MAX : (uInt) len;
    zs.next_out = head;
    zs.avail_out = HEAD;

    (void) inflate(&zs, Z_SYNC_FLUSH);

    n = HEAD - zs.avail_out;
    inflateEnd(&zs);

    return n;
}


static int
tlsrpt_peek_is_gzip(const unsigned char *bytes, size_t len)
{
    return len >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}


/* Compressed twice happens (RFC 8460 5.2 does not speak of it): what comes out
   compressed is taken for a report. */
int
tlsrpt_peek_begins_report(const void *bytes, size_t len)
{
    size_t                i;
    unsigned char         head[HEAD];
    const unsigned char  *p;

    p = bytes;

    if (tlsrpt_peek_is_gzip(p, len)) {
        len = tlsrpt_peek_inflate_head(p, len, head);
        p = head;
    }

    i = len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (i < len && i < HEAD && strchr(" \t\r\n", p[i]) != NULL
           && p[i] != '\0')
    {
        i++;
    }

    return tlsrpt_peek_is_gzip(p, len) || (i < len && p[i] == '{');
}


/* The RSA key in DER, as SubjectPublicKeyInfo or, as some have it, as
   RSAPublicKey (RFC 6376 3.6.1, RFC 8301); its bits, 0 where it is none. */
static int
tlsrpt_peek_rsa_bits(const unsigned char *der, size_t len)
{
    int                   bits;
    EVP_PKEY             *key;
    const unsigned char  *p = der;

    key = d2i_PUBKEY(NULL, &p, (long) len);

    if (key == NULL) {
        p = der;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long) len);
    }

    if (key == NULL) {
        ERR_clear_error();
        return 0;
    }

    bits = EVP_PKEY_bits(key);
    EVP_PKEY_free(key);

    return bits;
}


int
tlsrpt_peek_key_bits(const char *text, size_t len)
{
    int            n;
    unsigned char  der[MAX_KEY];

    if (len == 0 || len > MAX_KEY) {
        return 0;
    }

    n = EVP_DecodeBlock(der, (const unsigned char *) text, (int) len);

    return n > 0 ? tlsrpt_peek_rsa_bits(der, (size_t) n) : 0;
}
