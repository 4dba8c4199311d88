/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF.
 */

#ifndef TLSRPT_UTF8_H
#define TLSRPT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* What may follow the bytes of a character that were read so far. */
typedef struct {
    unsigned       left;                    /* bytes */
    unsigned char  low;                     /* bounds of the next byte; after */
    unsigned char  high;                    /* it they are 0x80 and 0xbf */
} tlsrpt_utf8_t;


/* After a first byte that is not ASCII; left 0: no character begins with it. */

static inline tlsrpt_utf8_t
tlsrpt_utf8_begin(unsigned char c)
{
    tlsrpt_utf8_t  u = { 0, 0x80, 0xbf };

    if (c < 0xc2 || c > 0xf4) {
        return u;
    }

    u.left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

    switch (c) {
    case 0xe0: u.low = 0xa0; break;         /* overlong below */
    case 0xed: u.high = 0x9f; break;        /* surrogates above */
    case 0xf0: u.low = 0x90; break;
    case 0xf4: u.high = 0x8f; break;        /* U+10FFFF is the last */
    }

    return u;
}


/* The length of the character at s, in bytes; 0: there is none, or not a whole
   one.  len is at least 1. */

static inline size_t
tlsrpt_utf8_len(const void *s, size_t len)
{
    const unsigned char  *p = s;
    tlsrpt_utf8_t         u;

    if (p[0] < 0x80) {
        return 1;
    }

    u = tlsrpt_utf8_begin(p[0]);

    if (u.left == 0 || u.left >= len || p[1] < u.low || p[1] > u.high
        || (u.left > 1 && (p[2] & 0xc0) != 0x80)
        || (u.left > 2 && (p[3] & 0xc0) != 0x80))
    {
        return 0;
    }

    return u.left + 1;
}


/* Writes a code point other than a surrogate; returns its length in bytes. */
#define TLSRPT_UTF8_MAX  4
size_t tlsrpt_utf8_put(char buf[TLSRPT_UTF8_MAX], uint32_t c);

/* Where to cut a text that is longer than max. */
size_t tlsrpt_utf8_cut(const char *s, size_t len, size_t max);

#pragma GCC visibility pop

#endif /* TLSRPT_UTF8_H */
