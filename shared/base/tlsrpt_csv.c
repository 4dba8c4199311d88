/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>

#include "tlsrpt_csv.h"


/* A run of bytes that something begins with; len 0: with none of them. */

static size_t
begins_with_one_of(const char *p, size_t len, const char *const *texts,
    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t  length = strlen(texts[i]);

        if (length <= len && memcmp(p, texts[i], length) == 0) {
            return length;
        }
    }

    return 0;
}


#define ONE_OF(p, len, texts)                                                 \
    begins_with_one_of(p, len, texts, sizeof(texts) / sizeof(texts[0]))

/* What begins a formula, also in its full width. */
static const char *const  formulas[] = {
    "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
    "\xef\xbc\xa0", "\xe2\x88\x92"
};

/* NEL, and the separators of lines and paragraphs. */
static const char *const  breaks[] = {
    "\r", "\n", "\v", "\f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"
};


static int
is_separator(char c)
{
    return c == ',' || c == ';' || c == '\t' || c == '|';
}


void
tlsrpt_csv_str(tlsrpt_buf_t *out, tlsrpt_str_t s)
{
    int     at_start = 1;                   /* of what may be a cell */
    size_t  i, n;

    if (s.len == 0) {
        return;
    }

    tlsrpt_buf_add(out, "\"", 1);

    for (i = 0; i < s.len; i += n) {
        const char  *p = s.data + i;

        n = ONE_OF(p, s.len - i, breaks);

        if (n) {
            continue;
        }

        if (at_start && ONE_OF(p, s.len - i, formulas)) {
            tlsrpt_buf_add(out, "'", 1);
        }

        n = 1;
        tlsrpt_buf_add(out, p, 1);

        if (*p == '"') {
            tlsrpt_buf_add(out, "\"", 1);
        }

        /* blanks and quotes may be taken off before it is looked at */
        at_start = is_separator(*p) || (at_start && (*p == ' ' || *p == '"'));
    }

    tlsrpt_buf_add(out, "\"", 1);
}


void
tlsrpt_csv_number(tlsrpt_buf_t *out, int64_t value)
{
    char  text[24];

    tlsrpt_buf_add(out, text, (size_t) snprintf(text, sizeof(text), "%" PRId64,
                                                value));
}


void
tlsrpt_csv_next(tlsrpt_buf_t *out)
{
    tlsrpt_buf_add(out, ",", 1);
}


void
tlsrpt_csv_end(tlsrpt_buf_t *out)
{
    tlsrpt_buf_add(out, "\r\n", 2);
}


void
tlsrpt_csv_head(tlsrpt_buf_t *out, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tlsrpt_buf_add(out, ",", i > 0);
        tlsrpt_buf_add(out, names[i], strlen(names[i]));
    }

    tlsrpt_csv_end(out);
}


static void
put_array(tlsrpt_buf_t *out, const json_t *array)
{
    size_t        i;
    json_t       *item;
    tlsrpt_str_t  all;
    tlsrpt_buf_t  text = { NULL, 0, 0, 0 };

    json_array_foreach((json_t *) array, i, item) {
        if (!json_is_string(item)) {
            tlsrpt_buf_free(&text);
            tlsrpt_csv_number(out, (int64_t) json_array_size(array));
            return;
        }

        tlsrpt_buf_add(&text, " ", i > 0);
        tlsrpt_buf_add(&text, json_string_value(item),
                       json_string_length(item));
    }

    all.data = text.data;
    all.len = text.len;
    tlsrpt_csv_str(out, all);
    out->failed |= text.failed;
    tlsrpt_buf_free(&text);
}


void
tlsrpt_csv_line(tlsrpt_buf_t *out, const char *const *names, size_t n,
    const json_t *json)
{
    for (size_t i = 0; i < n; i++) {
        const json_t  *value = json_object_get(json, names[i]);
        tlsrpt_str_t   s = { json_string_value(value),
                             json_string_length(value) };

        tlsrpt_buf_add(out, ",", i > 0);

        if (json_is_integer(value)) {
            tlsrpt_csv_number(out, json_integer_value(value));

        } else if (json_is_array(value)) {
            put_array(out, value);

        } else {
            tlsrpt_csv_str(out, s);
        }
    }

    tlsrpt_csv_end(out);
}
