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
    test_zeroes();
    test_random();

    return done();
}
