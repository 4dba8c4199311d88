/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Part of a name, as somebody types it, and the names that have it.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_domain_part.h"


static void
is_in(const char *text, const char *domain, int want)
{
    char                  *copy = malloc(strlen(text) + 1);
    tlsrpt_domain_part_t   part;
    tlsrpt_str_t           s = { copy, strlen(text) };

    memcpy(copy, text, s.len);              /* the sanitizer sees its end */
    ok(tlsrpt_domain_part_set(&part, s) == 0
       && tlsrpt_domain_part_is_in(&part, str(domain)) == want,
       "\"%s\" is %sin %s", text, want ? "" : "not ", domain);
    free(copy);
}


static void
test_ascii(void)
{
    is_in("", "example.com", 1);
    is_in("example.com", "example.com", 1);
    is_in("e", "example.com", 1);
    is_in("PLE.C", "example.com", 1);
    is_in(".com", "example.com", 1);
    is_in("example.", "example.com", 1);
    is_in("..", "example.com", 0);
    is_in("com.", "example.com", 0);
    is_in("xample.comm", "example.com", 0);
    is_in("aab", "aaab.example", 1);
    is_in("-", "a-b.example", 1);
    is_in("_smtp", "_smtp.example", 1);
}


static void
test_u_labels(void)
{
    static const char  name[] = "xn--bcher-kva.example";

    is_in("bücher.example", name, 1);
    is_in("BÜCHER", name, 1);
    is_in("bu\xcc\x88" "cher", name, 1);
    is_in("b\xc3\xbc", name, 1);
    is_in("Ücher.ex", name, 1);
    is_in(".example", name, 1);
    is_in("cher.ex", name, 1);
    is_in("xn--bch", name, 1);
    is_in("XN--BCHER-KVA.e", name, 1);
    is_in("kva", name, 1);
    is_in("bücherei", name, 0);
    is_in("bücher", "bucher.example", 0);
    is_in("ü.", name, 0);
    is_in("straß", "xn--strae-oqa.example", 1);
    is_in("テス", "xn--r8jz45g.xn--zckzah", 1);
    is_in("え.テ", "xn--r8jz45g.xn--zckzah", 1);
    /* a label that is none as a whole: it begins with a combining mark */
    is_in("\xcc\x81", name, 0);
    /* a name that only looks like an A-label */
    is_in("ü", "xn--a.example", 0);
    is_in("xn--a", "xn--a.example", 1);
}


static void
test_none(void)
{
    static const char  *const bad[] = {
        " ", "a b", "a/b", "*.example", "a@b", "a\x7f", "a,b", "\xff", "a\xc3",
        "\xc3\xbc b", "{", "a\n"
    };
    char                  text[1100];
    tlsrpt_str_t          s = { text, TLSRPT_DOMAIN_PART_LEN };
    tlsrpt_domain_part_t  part;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(tlsrpt_domain_part_set(&part, str(bad[i])) == -1,
           "%zu: part of no name", i);
    }

    s.data = "a\0b";
    s.len = 3;
    ok(tlsrpt_domain_part_set(&part, s) == -1, "a NUL");

    memset(text, 'a', sizeof(text));
    s.data = text;
    s.len = TLSRPT_DOMAIN_PART_LEN;
    is_int(tlsrpt_domain_part_set(&part, s), 0, "as long as a name");
    s.len++;
    is_int(tlsrpt_domain_part_set(&part, s), -1, "longer");

    for (size_t i = 0; i + 1 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\x9c", 2);
    }

    s.len = 4 * TLSRPT_DOMAIN_PART_LEN;
    is_int(tlsrpt_domain_part_set(&part, s), 0, "the longest there may be");
    ok(part.len <= sizeof(part.text), "and it has room");
    s.len += 2;
    is_int(tlsrpt_domain_part_set(&part, s), -1, "longer");

    /* what is shown may be longer than what is typed */
    for (size_t i = 0; i + 3 < 4 * TLSRPT_DOMAIN_PART_LEN; i += 4) {
        memcpy(text + i, "\xef\xb7\xba.", 4);   /* U+FDFA: 18 characters */
    }

    s.len = 4 * TLSRPT_DOMAIN_PART_LEN;
    ok(tlsrpt_domain_part_set(&part, s) == 0
       && part.len <= sizeof(part.text), "one that grows has room, too");
}


int
main(void)
{
    test_ascii();
    test_u_labels();
    test_none();

    return done();
}
