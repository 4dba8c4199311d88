/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>

#include "tlsrpt_explain.h"
#include "tlsrpt_words.h"


void
tlsrpt_say(tlsrpt_words_t *w, const char *format, ...)
{
    int      n;
    va_list  args;

    va_start(args, format);
    n = vsnprintf(w->data + w->len, TLSRPT_WORDS_SIZE - w->len, format, args);
    va_end(args);

    if (n > 0) {
        w->len += (size_t) n < TLSRPT_WORDS_SIZE - w->len
                  ? (size_t) n : TLSRPT_WORDS_SIZE - 1 - w->len;
    }
}


void
tlsrpt_say_for(tlsrpt_words_t *w, const char *text, tlsrpt_str_t domain)
{
    w->len += tlsrpt_explain_for(text, domain, w->data + w->len,
                                 TLSRPT_WORDS_SIZE - w->len);
}


void
tlsrpt_say_no_more(tlsrpt_words_t *w)
{
    while (w->len && w->data[w->len - 1] == ' ') {
        w->len--;
    }
}


/* Senders' text may be cut within a character: then there is none of it. */

json_t *
tlsrpt_words_json(const tlsrpt_words_t *w)
{
    size_t   len = w->len;
    json_t  *json;

    do {
        json = json_stringn(w->data, len);
    } while (json == NULL && len-- > 0 && w->len - len < 4);

    return json != NULL ? json : json_string("");
}
