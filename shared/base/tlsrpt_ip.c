/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_ip.h"


#define GROUPS  8

typedef struct {
    unsigned  first;
    unsigned  len;
} run_t;


static unsigned
group_of(const unsigned char ip[16], unsigned i)
{
    return (unsigned) ip[2 * i] << 8 | ip[2 * i + 1];
}


/* The first of the longest runs of zero groups, of two and more (RFC 5952
   4.2). */

static run_t
longest_run(const unsigned char ip[16])
{
    run_t  best = { GROUPS, 1 }, run = { 0, 0 };

    for (unsigned i = 0; i < GROUPS; i++) {
        if (group_of(ip, i) != 0) {
            run.len = 0;
            continue;
        }

        if (run.len++ == 0) {
            run.first = i;
        }

        if (run.len > best.len) {
            best = run;
        }
    }

    return best;
}


static char *
put_hex(char *p, unsigned group)
{
    static const char  digits[] = "0123456789abcdef";

    for (unsigned shift = group >= 0x1000 ? 16 : group >= 0x100 ? 12
                          : group >= 0x10 ? 8 : 4; shift; shift -= 4)
    {
        *p++ = digits[group >> (shift - 4) & 15];
    }

    return p;
}


static char *
put_octet(char *p, unsigned octet)
{
    if (octet >= 100) {
        *p++ = (char) ('0' + octet / 100);
    }

    if (octet >= 10) {
        *p++ = (char) ('0' + octet / 10 % 10);
    }

    *p++ = (char) ('0' + octet % 10);

    return p;
}


static char *
put_ip4(char *p, const unsigned char ip[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i) {
            *p++ = '.';
        }

        p = put_octet(p, ip[i]);
    }

    return p;
}


size_t
tlsrpt_ip6_text(const unsigned char ip[16], char buf[TLSRPT_IP_TEXT_LEN])
{
    char   *p = buf;
    run_t   zero = longest_run(ip);

    /* IPv4 in IPv6 (RFC 5952 5), what inet_ntop() takes for it. */
    int  mapped = zero.first == 0
                  && (zero.len == 6
                      || (zero.len == 5 && group_of(ip, 5) == 0xffff));

    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == zero.first) {
            *p++ = ':';
            i += zero.len - 1;

            if (i == GROUPS - 1) {
                *p++ = ':';
            }

            continue;
        }

        if (i) {
            *p++ = ':';
        }

        if (mapped && i == 6) {
            return (size_t) (put_ip4(p, ip + 12) - buf);
        }

        p = put_hex(p, group_of(ip, i));
    }

    return (size_t) (p - buf);
}
