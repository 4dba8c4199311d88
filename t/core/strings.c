/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a report's strings live.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_strings.h"


static void
test_intern(void)
{
    long              wrong = 0;
    char              s[32];
    tlsrpt_strings_t  strings;
    tlsrpt_str_t      copy, again, first[5000];

    memset(&strings, 0, sizeof(strings));

    for (int i = 0; i < 5000; i++) {
        int  n = snprintf(s, sizeof(s), "string %d", i);

        wrong += tlsrpt_strings_intern(&strings, s, (size_t) n, &first[i]) != 0;
    }

    for (int i = 0; i < 5000; i++) {
        int  n = snprintf(s, sizeof(s), "string %d", i);

        wrong += tlsrpt_strings_intern(&strings, s, (size_t) n, &again) != 0
                 || again.data != first[i].data || again.len != (size_t) n
                 || strcmp(again.data, s) != 0;
    }

    is_int(wrong, 0, "equal strings are one, others are not");
    is_int((long long) strings.nused, 5000, "each is kept once");
    is_int(tlsrpt_strings_intern(&strings, "string", 6, &copy), 0, "a prefix");
    ok(copy.data != first[0].data, "is another string");

    is_int(tlsrpt_strings_copy(&strings, "string 1", 8, &copy), 0, "a copy");
    ok(copy.data != first[1].data, "is another string");
    is_int(tlsrpt_strings_copy(&strings, "", 0, &copy), 0, "a copy of nothing");
    is_str(copy.data, "", "is one");

    tlsrpt_strings_free(&strings);
    is_int((long long) strings.size, 0, "freed");
    tlsrpt_strings_free(&strings);
}


static void
test_bounds(void)
{
    size_t            n = 0;
    char              s[255];
    tlsrpt_strings_t  strings;
    tlsrpt_str_t      copy;

    memset(&strings, 0, sizeof(strings));
    memset(s, 'x', sizeof(s));

    while (!tlsrpt_strings_full(&strings) && n < 10000) {
        memcpy(s, &n, sizeof(n));
        n += tlsrpt_strings_intern(&strings, s, sizeof(s), &copy) == 0;
    }

    ok(n > 3500 && n < 4200, "full after %zu strings", n);

    while (n < 10000) {
        memcpy(s, &n, sizeof(n));
        if (tlsrpt_strings_intern(&strings, s, sizeof(s), &copy) != 0) {
            break;
        }
        n++;
    }

    ok(n == TLSRPT_MAX_TEXT / sizeof(s), "and no more after %zu", n);
    n = 0;
    memcpy(s, &n, sizeof(n));
    is_int(tlsrpt_strings_intern(&strings, s, sizeof(s), &copy), 0,
           "one that is there is found");

    tlsrpt_strings_reset(&strings);
    is_int((long long) strings.nslots, 0,
           "what a big report took is given back");
    is_int(tlsrpt_strings_intern(&strings, "a", 1, &copy), 0, "and used again");
    tlsrpt_strings_reset(&strings);
    ok(strings.blocks != NULL && strings.nused == 0, "a little is kept");
    is_int(tlsrpt_strings_intern(&strings, "b", 1, &copy), 0, "and used again");
    is_str(copy.data, "b", "for another string");
    tlsrpt_strings_free(&strings);
}


int
main(void)
{
    test_intern();
    test_bounds();

    return done();
}
