/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "mta_sts_policy.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_strings.h"


typedef struct {
    char          data[TLSRPT_MAX_STRING + 1];
    tlsrpt_str_t  str;
} pattern_t;


/* As RFC 8461 writes it; len 0: it is none. */

static void
normalize(pattern_t *pattern, tlsrpt_str_t text)
{
    tlsrpt_str_t  *s = &pattern->str;

    s->data = pattern->data;
    s->len = 0;

    if (text.len > TLSRPT_MAX_STRING) {
        return;
    }

    if (text.len && text.data[0] == '.') {
        pattern->data[s->len++] = '*';
    }

    for (size_t i = 0; i < text.len; i++) {
        pattern->data[s->len++] = tlsrpt_lower(text.data[i]);
    }

    while (s->len && (s->data[s->len - 1] == '.'
                      || s->data[s->len - 1] == ' '))
    {
        s->len--;
    }
}


int
tlsrpt_covers(tlsrpt_str_t text, tlsrpt_str_t host)
{
    pattern_t  pattern;

    normalize(&pattern, text);

    return pattern.str.len && mta_sts_mx_match(pattern.str, host);
}


int
tlsrpt_is_too_deep(tlsrpt_str_t text, tlsrpt_str_t host)
{
    pattern_t      pattern;
    tlsrpt_str_t  *s = &pattern.str;

    normalize(&pattern, text);

    if (s->len < 3 || s->data[0] != '*' || s->data[1] != '.') {
        return 0;
    }

    s->data += 2;
    s->len -= 2;

    return host.len > s->len && tlsrpt_domain_within(host, *s)
           && !tlsrpt_covers(text, host);
}
