/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which bytes are a character of UTF-8 (RFC 3629).
 */

#include "tap.h"
#include "tlsrpt_utf8.h"


static int
is_surrogate(uint32_t c)
{
    return c >= 0xd800 && c <= 0xdfff;
}


static void
test_every_code_point(void)
{
    long  wrong = 0, cut = 0;

    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char    s[TLSRPT_UTF8_MAX];
        size_t  n = tlsrpt_utf8_put(s, c);

        wrong += tlsrpt_utf8_len(s, n) != (is_surrogate(c) ? 0 : n);
        cut += n > 1 && tlsrpt_utf8_len(s, n - 1) != 0;
    }

    is_int(wrong, 0, "every code point is one, but surrogates");
    is_int(cut, 0, "none is one without its last byte");
}


/* As many characters of each length as there are code points. */

static void
test_every_byte(void)
{
    char  s[TLSRPT_UTF8_MAX];
    long  n[TLSRPT_UTF8_MAX + 1] = { 0 };

    for (uint32_t i = 0; i < 1u << 24; i++) {
        s[0] = (char) (i >> 16);
        s[1] = (char) (i >> 8);
        s[2] = (char) i;
        s[3] = (char) 0x80;
        n[tlsrpt_utf8_len(s, 4)]++;
    }

    is_int(n[1], 0x80 * 0x10000, "one byte");
    is_int(n[2], (0x800 - 0x80) * 0x100, "two bytes");
    is_int(n[3], 0x10000 - 0x800 - 0x800, "three bytes");
    is_int(n[4], (0x110000 - 0x10000) / 0x40, "four bytes");
}


static void
test_fourth_byte(void)
{
    is_int((long long) tlsrpt_utf8_len("\xf0\x9f\x98\x7f", 4), 0,
           "a fourth byte below");
    is_int((long long) tlsrpt_utf8_len("\xf0\x9f\x98\xc0", 4), 0,
           "a fourth byte above");
}


static void
test_cut(void)
{
    static const char  s[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t  at[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

    for (size_t max = 0; max < sizeof(at) / sizeof(at[0]); max++) {
        is_int((long long) tlsrpt_utf8_cut(s, 10, max), (long long) at[max],
               "cut at a character's end, at most %zu", max);
    }
}


int
main(void)
{
    test_every_code_point();
    test_every_byte();
    test_fourth_byte();
    test_cut();

    return done();
}
