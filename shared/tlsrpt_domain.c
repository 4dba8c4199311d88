/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <idn2.h>

#include "tlsrpt_core.h"


static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


/* An underscore is no letter of a host name, but names that DNS knows and
   senders report have them. */

static int
is_label_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
           || c == '-' || c == '_';
}


/* Copies an ASCII name in lower case; the length, 0 where it is no name. */

static size_t
copy_ascii(const char *name, size_t len, char *buf)
{
    size_t  label = 0;

    if (len == 0 || len > TLSRPT_DOMAIN_LEN) {
        return 0;
    }

    for (size_t i = 0; i < len; i++) {
        unsigned char  c = (unsigned char) name[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (c == '.') {
            if (label == 0) {
                return 0;
            }

            label = 0;

        } else if (!is_label_char(c) || ++label > 63) {
            return 0;
        }

        buf[i] = (char) c;
    }

    buf[len] = '\0';

    return label ? len : 0;
}


/* A name with U-labels (RFC 5891), by way of libidn2. */

static size_t
copy_idn(const char *name, size_t len, char *buf)
{
    char     text[4 * TLSRPT_DOMAIN_LEN + 1];
    size_t   n;
    uint8_t *ascii;

    if (len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, name, len);
    text[len] = '\0';

    if (idn2_lookup_u8((uint8_t *) text, &ascii,
                       IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
    {
        return 0;
    }

    n = copy_ascii((char *) ascii, strlen((char *) ascii), buf);
    idn2_free(ascii);

    return n;
}


size_t
tlsrpt_domain_normalize(const char *name, size_t len, char *buf)
{
    while (len && is_blank(*name)) {
        name++;
        len--;
    }

    while (len && is_blank(name[len - 1])) {
        len--;
    }

    if (len && name[len - 1] == '.') {
        len--;
    }

    if (len == 0 || memchr(name, '\0', len) != NULL) {
        return 0;
    }

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) name[i] >= 0x80) {
            return copy_idn(name, len, buf);
        }
    }

    return copy_ascii(name, len, buf);
}


int
tlsrpt_domain_within(tlsrpt_str_t name, tlsrpt_str_t domain)
{
    const char  *tail;

    if (name.len < domain.len) {
        return 0;
    }

    tail = name.data + (name.len - domain.len);

    return memcmp(tail, domain.data, domain.len) == 0
           && (name.len == domain.len || tail[-1] == '.');
}
