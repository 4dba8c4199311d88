/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a report's strings live.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_text.h"


static void
test_intern(void)
{
    long           wrong = 0;
    char           s[32];
    tlsrpt_text_t  text;
    tlsrpt_str_t   copy, again, first[5000];

    memset(&text, 0, sizeof(text));

    for (int i = 0; i < 5000; i++) {
        int  n = snprintf(s, sizeof(s), "string %d", i);

        wrong += tlsrpt_text_intern(&text, s, (size_t) n, &first[i]) != 0;
    }

    for (int i = 0; i < 5000; i++) {
        int  n = snprintf(s, sizeof(s), "string %d", i);

        wrong += tlsrpt_text_intern(&text, s, (size_t) n, &again) != 0
                 || again.data != first[i].data || again.len != (size_t) n
                 || strcmp(again.data, s) != 0;
    }

    is_int(wrong, 0, "equal strings are one, others are not");
    is_int((long long) text.nused, 5000, "each is kept once");
    is_int(tlsrpt_text_intern(&text, "string", 6, &copy), 0, "a prefix");
    ok(copy.data != first[0].data, "is another string");

    is_int(tlsrpt_text_copy(&text, "string 1", 8, &copy), 0, "a copy");
    ok(copy.data != first[1].data, "is another string");
    is_int(tlsrpt_text_copy(&text, "", 0, &copy), 0, "a copy of nothing");
    is_str(copy.data, "", "is one");

    tlsrpt_text_free(&text);
    is_int((long long) text.size, 0, "freed");
    tlsrpt_text_free(&text);
}


static void
test_bounds(void)
{
    size_t         n = 0;
    char           s[255];
    tlsrpt_text_t  text;
    tlsrpt_str_t   copy;

    memset(&text, 0, sizeof(text));
    memset(s, 'x', sizeof(s));

    while (!tlsrpt_text_full(&text) && n < 10000) {
        memcpy(s, &n, sizeof(n));
        n += tlsrpt_text_intern(&text, s, sizeof(s), &copy) == 0;
    }

    ok(n > 3500 && n < 4200, "full after %zu strings", n);

    while (n < 10000) {
        memcpy(s, &n, sizeof(n));
        if (tlsrpt_text_intern(&text, s, sizeof(s), &copy) != 0) {
            break;
        }
        n++;
    }

    ok(n == TLSRPT_MAX_TEXT / sizeof(s), "and no more after %zu", n);
    n = 0;
    memcpy(s, &n, sizeof(n));
    is_int(tlsrpt_text_intern(&text, s, sizeof(s), &copy), 0,
           "one that is there is found");

    tlsrpt_text_reset(&text);
    is_int((long long) text.nslots, 0, "what a big report took is given back");
    is_int(tlsrpt_text_intern(&text, "a", 1, &copy), 0, "and used again");
    tlsrpt_text_reset(&text);
    ok(text.blocks != NULL && text.nused == 0, "a little is kept");
    is_int(tlsrpt_text_intern(&text, "b", 1, &copy), 0, "and used again");
    is_str(copy.data, "b", "for another string");
    tlsrpt_text_free(&text);
}


static void
test_cut(void)
{
    static const char  s[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t  at[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

    for (size_t max = 0; max < sizeof(at) / sizeof(at[0]); max++) {
        is_int((long long) tlsrpt_text_cut(s, 10, max), (long long) at[max],
               "cut at a character's end, at most %zu", max);
    }
}


int
main(void)
{
    test_intern();
    test_bounds();
    test_cut();

    return done();
}
