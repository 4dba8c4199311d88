/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of domains: one form for each, and none for what is no name.
 */

#include "tap.h"
#include "report.h"


static void
is_domain(const char *name, size_t len, const char *want)
{
    char    buf[TLSRPT_DOMAIN_LEN + 1];
    char   *copy = malloc(len ? len : 1);   /* the sanitizer sees its end */
    size_t  n;

    memcpy(copy, name, len);
    n = tlsrpt_domain_normalize(copy, len, buf);
    free(copy);

    is_str(n ? buf : "", want, "\"%.60s\" of %zu bytes", want, len);
    ok(n == 0 || n == strlen(buf), "and its length");
}


static void
test_names(void)
{
    static const char  *const good[][2] = {
        { "example.com", "example.com" },
        { "EXAMPLE.Com", "example.com" },
        { "example.com.", "example.com" },
        { " \t\r\nexample.com \r\n", "example.com" },
        { "example.com. ", "example.com" },
        { "localhost", "localhost" },
        { "_smtp._tls.example.com", "_smtp._tls.example.com" },
        { "xn--bcher-kva.example", "xn--bcher-kva.example" },
        { "bücher.example", "xn--bcher-kva.example" },
        { "BÜCHER.Example.", "xn--bcher-kva.example" },
        { "bu\xcc\x88" "cher.example", "xn--bcher-kva.example" },
        { "straße.example", "xn--strae-oqa.example" },
        { "例え.テスト", "xn--r8jz45g.xn--zckzah" },
        { "mx。bücher。example", "mx.xn--bcher-kva.example" },
        { "192.0.2.1", "192.0.2.1" }
    };
    static const char  *const bad[] = {
        "", " ", ".", "..", ".example.com", "example..com", "example.com..",
        "exa mple.com", "{example.com}", "example.com}", "exa{mple.com",
        "example.com:25", "example.com/x", "*.example.com", "a,b.example",
        "user@example.com", "[192.0.2.1]", "2001:db8::1", "a\x7f.example",
        "\xff.example", "a\xc3", "bü{cher.example", "bü cher.example",
        "．．", "ü..example"
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        is_domain(good[i][0], strlen(good[i][0]), good[i][1]);
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_domain(bad[i], strlen(bad[i]), "");
    }

    is_domain("a\0b.example", 11, "");
    is_domain("b\0.\xc3\xbc", 5, "");
}


/* Labels of so many letters, with dots between. */

static size_t
make_name(char *name, const char *letter, const size_t *labels)
{
    char  *p = name;

    for ( ; *labels; labels++) {
        for (size_t i = 0; i < *labels; i++) {
            memcpy(p, letter, strlen(letter));
            p += strlen(letter);
        }

        *p++ = '.';
    }

    *--p = '\0';

    return (size_t) (p - name);
}


static void
test_lengths(void)
{
    size_t               n;
    char                 name[4096], dotted[512];
    static const size_t  label_63[] = { 63, 3, 0 }, label_64[] = { 64, 3, 0 };
    static const size_t  name_253[] = { 63, 63, 63, 61, 0 };
    static const size_t  name_254[] = { 63, 63, 63, 62, 0 };
    static const size_t  long_u[] = { 400, 400, 0 };

    n = make_name(name, "a", label_63);
    is_domain(name, n, name);
    n = make_name(name, "a", label_64);
    is_domain(name, n, "");

    n = make_name(name, "a", name_253);
    is_int((long long) n, 253, "a name of 253");
    is_domain(name, n, name);
    snprintf(dotted, sizeof(dotted), " %.253s. ", name);
    is_domain(dotted, strlen(dotted), name);

    n = make_name(name, "a", name_254);
    is_int((long long) n, 254, "a name of 254");
    is_domain(name, n, "");

    n = make_name(name, "ü", label_63);
    is_domain(name, n, "");
    n = make_name(name, "ü", long_u);
    is_domain(name, n, "");
}


static void
test_within(void)
{
    tlsrpt_str_t  domain = str("example.com");

    ok(tlsrpt_domain_within(str("example.com"), domain), "the domain itself");
    ok(tlsrpt_domain_within(str("a.b.example.com"), domain), "one below it");
    ok(!tlsrpt_domain_within(str("anexample.com"), domain), "a longer name");
    ok(!tlsrpt_domain_within(str("com"), domain), "the one above it");
    ok(!tlsrpt_domain_within(str("example.net"), domain), "another");
    ok(!tlsrpt_domain_within(str(""), domain), "no name");
}


int
main(void)
{
    test_names();
    test_lengths();
    test_within();

    return done();
}
