/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * IP addresses as text: what inet_ntop() says, which is the referee.
 */

#include <arpa/inet.h>

#include "tap.h"
#include "report.h"
#include "tlsrpt_ip.h"


/* Is the text of the address the referee's? */

static int
agrees(const unsigned char ip[16])
{
    char    text[TLSRPT_IP_TEXT_LEN + 1], want[INET6_ADDRSTRLEN];
    size_t  n = tlsrpt_ip6_text(ip, text);

    text[n] = '\0';

    if (inet_ntop(AF_INET6, ip, want, sizeof(want)) == NULL) {
        abort();
    }

    if (strcmp(text, want) == 0) {
        return 1;
    }

    tap_show("got", text);
    tap_show("want", want);

    return 0;
}


static void
reads(const char *text, const char *want, int is_bare)
{
    int     bare = -1;
    char    buf[TLSRPT_IP_TEXT_LEN + 1];
    size_t  n = tlsrpt_ip_read(text, strlen(text), buf, &bare);

    buf[n] = '\0';
    is_str(buf, want, "\"%s\"", text);

    if (n) {
        is_int(bare, is_bare, "is that and nothing else: %d", is_bare);
    }
}


static void
test_read(void)
{
    reads("192.0.2.1", "192.0.2.1", 1);
    reads("255.255.255.255", "255.255.255.255", 1);
    reads("2001:DB8:0:0:0:0:0:1", "2001:db8::1", 1);
    reads("::ffff:192.0.2.1", "192.0.2.1", 1);
    reads("::ffff:c000:201", "192.0.2.1", 1);
    reads("::192.0.2.1", "::192.0.2.1", 1);
    reads("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1);

    reads("[192.0.2.1]", "192.0.2.1", 0);
    reads("192.0.2.1:25", "192.0.2.1", 0);
    reads("[192.0.2.1]:65535", "192.0.2.1", 0);
    reads("[2001:db8::1]", "2001:db8::1", 0);
    reads("[2001:db8::1]:25", "2001:db8::1", 0);
    reads("IPv6:2001:db8::1", "2001:db8::1", 0);
    reads("[ipv6:2001:db8::1]", "2001:db8::1", 0);
    reads("fe80::1%eth0", "fe80::1", 0);
    reads("[fe80::1%25eth0]:25", "fe80::1", 0);
    reads("[IPv6:::ffff:192.0.2.1]", "192.0.2.1", 0);

    /* A port behind an address without brackets is a part of it. */
    reads("2001:db8::1:25", "2001:db8::1:25", 1);

    reads("", "", 0);
    reads("[]", "", 0);
    reads(":25", "", 0);
    reads("[2001:db8::1", "", 0);
    reads("2001:db8::1]", "", 0);
    reads("[2001:db8::1]25", "", 0);
    reads("[[192.0.2.1]]", "", 0);
    reads("192.0.2.1:", "", 0);
    reads("192.0.2.1:smtp", "", 0);
    reads("192.0.2.1:123456", "", 0);
    reads("192.0.2.1%eth0", "", 0);
    reads("fe80::1%", "", 0);
    reads("IPv6:192.0.2.1", "", 0);
    reads("IPv4:192.0.2.1", "", 0);
    reads("192.0.2.01", "", 0);
    reads("192.0.2.256", "", 0);
    reads("192.0.2", "", 0);
    reads("x.x.x.x", "", 0);
    reads("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", "", 0);
}


/* Every pattern of zero and other groups. */

static void
test_zeroes(void)
{
    int            right = 0;
    unsigned char  ip[16];
    static const unsigned  values[] = { 1, 0xffff, 0x10, 0xabc };

    for (unsigned v = 0; v < 4; v++) {
        for (unsigned pattern = 0; pattern < 256; pattern++) {
            for (unsigned i = 0; i < 8; i++) {
                unsigned  group = pattern & 1u << i ? values[v] : 0;

                ip[2 * i] = (unsigned char) (group >> 8);
                ip[2 * i + 1] = (unsigned char) group;
            }

            right += agrees(ip);
        }
    }

    is_int(right, 4 * 256, "zero groups");
}


static void
test_random(void)
{
    int            right = 0;
    uint32_t       x = 1;
    unsigned char  ip[16];

    for (int n = 0; n < 20000; n++) {
        for (int i = 0; i < 16; i++) {
            x = x * 1664525 + 1013904223;
            ip[i] = x >> 31 ? 0 : (unsigned char) (x >> 20);
        }

        right += agrees(ip);
    }

    is_int(right, 20000, "addresses by chance");
}


int
main(void)
{
    test_read();
    test_zeroes();
    test_random();

    return done();
}
