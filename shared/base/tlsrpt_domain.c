/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <idn2.h>

#include "tlsrpt_domain.h"


/* Bytes of names in lower case, 0 for all others.  An underscore is no letter
   of a host name, but names that DNS knows and senders report have them. */

static const char  name_bytes[256] = {
    ['-'] = '-', ['.'] = '.', ['_'] = '_',
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
#define LETTER(upper, lower)  [upper] = lower, [lower] = lower
    LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'),
    LETTER('E', 'e'), LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'),
    LETTER('I', 'i'), LETTER('J', 'j'), LETTER('K', 'k'), LETTER('L', 'l'),
    LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'), LETTER('P', 'p'),
    LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
    LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'),
    LETTER('Y', 'y'), LETTER('Z', 'z')
};


/* Copies an ASCII name in lower case; the length, 0 where it is no name. */

static size_t
copy_ascii(const char *name, size_t len, char *buf)
{
    size_t  label = 0;                      /* where it begins */

    if (len > TLSRPT_DOMAIN_LEN) {
        return 0;
    }

    for (size_t i = 0; i < len; i++) {
        buf[i] = name_bytes[(unsigned char) name[i]];

        if (buf[i] > '.' || buf[i] == '-') {
            continue;
        }

        if (buf[i] == '\0' || i == label || i - label > 63) {
            return 0;
        }

        label = i + 1;
    }

    buf[len] = '\0';

    return len != label && len - label <= 63 ? len : 0;
}


/* A name with U-labels (RFC 5891), by way of libidn2. */

static size_t
copy_idn(const char *name, size_t len, char *buf)
{
    char     text[4 * TLSRPT_DOMAIN_LEN + 1];
    size_t   n;
    uint8_t *ascii;

    if (len >= sizeof(text) || memchr(name, '\0', len) != NULL) {
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
    size_t  n;

    while (len && tlsrpt_is_space(*name)) {
        name++;
        len--;
    }

    while (len && tlsrpt_is_space(name[len - 1])) {
        len--;
    }

    if (len && name[len - 1] == '.') {
        len--;
    }

    n = copy_ascii(name, len, buf);

    if (n == 0 && len && !tlsrpt_is_ascii(name, len)) {
        n = copy_idn(name, len, buf);
    }

    return n;
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
