/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include <idn2.h>

#include "tlsrpt_domain_part.h"
#include "tlsrpt_utf8.h"


static int
holds(const char *p, size_t len, const char *part, size_t n)
{
    const char  *end = p + len, *found;

    if (n == 0) {
        return 1;
    }

    for ( ; (size_t) (end - p) >= n; p = found + 1) {
        found = memchr(p, part[0], (size_t) (end - p) - n + 1);

        if (found == NULL) {
            return 0;
        }

        if (memcmp(found, part, n) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Is it UTF-8, and of ASCII only what names have? */

static int
is_of_names(tlsrpt_str_t text)
{
    char    one[TLSRPT_DOMAIN_LEN + 1];
    size_t  n;

    for (size_t i = 0; i < text.len; i += n) {
        n = tlsrpt_utf8_len(text.data + i, text.len - i);

        if (n == 0
            || (n == 1 && text.data[i] != '.'
                && tlsrpt_domain_normalize(text.data + i, 1, one) == 0))
        {
            return 0;
        }
    }

    return 1;
}


/* A label, or a part of it, in the form in which libidn2 shows labels: lower
   case, composed.  What it takes for none is compared as it is. */

static size_t
put_label(const char *label, size_t len, char *buf, size_t size)
{
    size_t    n;
    char      text[4 * TLSRPT_DOMAIN_PART_LEN + 1], *shown = NULL;
    uint8_t  *ascii = NULL;

    memcpy(text, label, len);
    text[len] = '\0';

    if (!tlsrpt_is_ascii(label, len)
        && idn2_lookup_u8((uint8_t *) text, &ascii,
                          IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK
        && idn2_to_unicode_8z8z((char *) ascii, &shown, 0) == IDN2_OK
        && strlen(shown) < size)
    {
        n = strlen(shown);
        memcpy(buf, shown, n);

    } else {
        n = tlsrpt_lower_copy(buf, text, len);
    }

    idn2_free(ascii);
    idn2_free(shown);

    return n;
}


int
tlsrpt_domain_part_set(tlsrpt_domain_part_t *part, tlsrpt_str_t text)
{
    size_t  n;

    part->len = 0;
    part->is_ascii = tlsrpt_is_ascii(text.data, text.len);

    if (text.len > (part->is_ascii ? TLSRPT_DOMAIN_PART_LEN
                                   : sizeof(part->text) - 1)
        || !is_of_names(text))
    {
        return -1;
    }

    for (size_t i = 0; i < text.len; i += n) {
        const char  *dot = memchr(text.data + i, '.', text.len - i);

        if (dot == text.data + i) {
            n = 1;
            part->text[part->len++] = '.';
            continue;
        }

        n = dot != NULL ? (size_t) (dot - text.data) - i : text.len - i;
        part->len += put_label(text.data + i, n, part->text + part->len,
                               sizeof(part->text) - part->len
                               - (text.len - i - n));
    }

    return 0;
}


int
tlsrpt_domain_part_is_in(const tlsrpt_domain_part_t *part, tlsrpt_str_t domain)
{
    int    found = 0;
    char   name[TLSRPT_DOMAIN_LEN + 1], *shown = NULL;

    if (part->is_ascii
        && holds(domain.data, domain.len, part->text, part->len))
    {
        return 1;
    }

    /* without an A-label it is shown as it is */
    if (domain.len >= sizeof(name)
        || !holds(domain.data, domain.len, "xn--", 4))
    {
        return 0;
    }

    memcpy(name, domain.data, domain.len);
    name[domain.len] = '\0';

    if (idn2_to_unicode_8z8z(name, &shown, 0) == IDN2_OK) {
        found = holds(shown, strlen(shown), part->text, part->len);
    }

    idn2_free(shown);

    return found;
}
