/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

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


/* An IPv4 address in its one usual form. */

static int
is_plain_ipv4(const char *s, size_t len)
{
    int  octet = -1, dots = 0;

    if (len > 15) {
        return 0;
    }

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.') {
            if (octet < 0 || ++dots > 3) {
                return 0;
            }

            octet = -1;

        } else if (s[i] < '0' || s[i] > '9' || octet == 0) {
            return 0;

        } else {
            octet = (octet < 0 ? 0 : octet * 10) + (s[i] - '0');

            if (octet > 255) {
                return 0;
            }
        }
    }

    return dots == 3 && octet >= 0;
}


static int
is_mapped(const unsigned char ip[16])
{
    static const unsigned char  mapped[12] = { [10] = 0xff, [11] = 0xff };

    return memcmp(ip, mapped, sizeof(mapped)) == 0;
}


/* The text of what is an address and nothing else. */

static size_t
read_bare(const char *s, size_t len, char *buf)
{
    char           text[TLSRPT_IP_TEXT_LEN + 1];
    unsigned char  ip[16];

    if (len > TLSRPT_IP_TEXT_LEN) {
        return 0;
    }

    if (is_plain_ipv4(s, len)) {
        memcpy(buf, s, len);
        return len;
    }

    memcpy(text, s, len);
    text[len] = '\0';

    if (inet_pton(AF_INET6, text, ip) != 1) {
        return 0;
    }

    return is_mapped(ip) ? (size_t) (put_ip4(buf, ip + 12) - buf)
                         : tlsrpt_ip6_text(ip, buf);
}


static int
is_port(const char *s, size_t len)
{
    if (len < 2 || len > 6 || *s != ':') {
        return 0;
    }

    while (--len) {
        if (s[len] < '0' || s[len] > '9') {
            return 0;
        }
    }

    return 1;
}


/* "[ADDRESS]", "[ADDRESS]:PORT", "192.0.2.1:PORT": the address alone.  Behind
   an IPv6 address without brackets there can be no port. */

static int
without_port(const char **s, size_t *len)
{
    int          bracket = *len && **s == '[';
    const char  *end = *len ? memchr(*s, bracket ? ']' : ':', *len) : NULL;
    size_t       rest;

    if (end == NULL) {
        return !bracket;
    }

    rest = *len - (size_t) (end - *s);

    if (bracket && (rest == 1 || is_port(end + 1, rest - 1))) {
        (*s)++;
        *len -= rest + 1;
        return 1;
    }

    if (!bracket && is_port(end, rest)) {
        *len -= rest;
    }

    return !bracket;
}


size_t
tlsrpt_ip_read(const char *s, size_t len, char buf[TLSRPT_IP_TEXT_LEN],
    int *bare)
{
    size_t       n = read_bare(s, len, buf);
    const char  *zone;

    *bare = n != 0;

    if (n || !without_port(&s, &len)) {
        return n;
    }

    if (len > 5 && strncasecmp(s, "IPv6:", 5) == 0) {
        s += 5;
        len -= 5;

        if (memchr(s, ':', len) == NULL) {
            return 0;
        }
    }

    zone = memchr(s, '%', len);

    if (zone != NULL && memchr(s, ':', len) != NULL
        && zone + 1 < s + len)
    {
        len = (size_t) (zone - s);
    }

    return read_bare(s, len, buf);
}
