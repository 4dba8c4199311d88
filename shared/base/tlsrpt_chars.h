/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Classes of ASCII characters, whatever the locale.
 */

#ifndef TLSRPT_CHARS_H
#define TLSRPT_CHARS_H

#include <stddef.h>


static inline int
tlsrpt_is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static inline int
tlsrpt_is_alnum(char c)
{
    return tlsrpt_is_digit(c) || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}


/* WSP (RFC 5234 B.1). */

static inline int
tlsrpt_is_wsp(char c)
{
    return c == ' ' || c == '\t';
}


/* ws (RFC 8259 2). */

static inline int
tlsrpt_is_space(char c)
{
    return tlsrpt_is_wsp(c) || c == '\r' || c == '\n';
}


static inline char
tlsrpt_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}


/* Copies in lower case; buf may be s.  Returns the length. */

static inline size_t
tlsrpt_lower_copy(char *buf, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buf[i] = tlsrpt_lower(s[i]);
    }

    return len;
}


static inline int
tlsrpt_is_ascii(const char *s, size_t len)
{
    while (len && (unsigned char) s[len - 1] < 0x80) {
        len--;
    }

    return len == 0;
}

#endif /* TLSRPT_CHARS_H */
