/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "mta_sts_policy.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_domain.h"


typedef struct {
    char          data[TLSRPT_DOMAIN_LEN + 3];
    tlsrpt_str_t  str;
} pattern_t;


static int
is_outside(char c)
{
    return tlsrpt_is_wsp(c) || c == '[' || c == ']';
}


/* As RFC 8461 writes it; len 0: it is none.  Some write "[host]". */

static void
normalize(pattern_t *pattern, tlsrpt_str_t text)
{
    size_t         wild = 0;
    tlsrpt_str_t  *s = &pattern->str;

    s->data = pattern->data;
    s->len = 0;

    while (text.len && is_outside(text.data[text.len - 1])) {
        text.len--;
    }

    while (text.len && is_outside(*text.data)) {
        text.data++;
        text.len--;
    }

    if (text.len > 1 && text.data[0] == '*' && text.data[1] == '.') {
        wild = 2;

    } else if (text.len && text.data[0] == '.') {
        wild = 1;
    }

    if (wild) {
        memcpy(pattern->data, "*.", 2);
        s->len = 2;
    }

    /* U-labels, too */
    wild = tlsrpt_domain_normalize(text.data + wild, text.len - wild,
                                   pattern->data + s->len);
    s->len = wild ? s->len + wild : 0;
}


/* Several in one string, "a, b", are each one: the next of them; 0: that was
   all. */

static int
next_pattern(tlsrpt_str_t *text, pattern_t *pattern)
{
    size_t        n = 0;
    tlsrpt_str_t  one = *text;

    if (text->data == NULL || text->len == 0) {
        return 0;
    }

    while (n < text->len && text->data[n] != ',') {
        n++;
    }

    one.len = n;
    text->data += n + (n < text->len);
    text->len -= n + (n < text->len);
    normalize(pattern, one);

    return 1;
}


int
tlsrpt_covers(tlsrpt_str_t text, tlsrpt_str_t host)
{
    pattern_t  pattern;

    while (next_pattern(&text, &pattern)) {
        if (pattern.str.len && mta_sts_mx_match(pattern.str, host)) {
            return 1;
        }
    }

    return 0;
}


int
tlsrpt_is_too_deep(tlsrpt_str_t text, tlsrpt_str_t host)
{
    pattern_t      pattern;
    tlsrpt_str_t   all = text, *s = &pattern.str;

    while (next_pattern(&text, &pattern)) {
        if (s->len < 3 || s->data[0] != '*' || s->data[1] != '.') {
            continue;
        }

        s->data += 2;
        s->len -= 2;

        if (host.len > s->len && tlsrpt_domain_within(host, *s)
            && !tlsrpt_covers(all, host))
        {
            return 1;
        }
    }

    return 0;
}
