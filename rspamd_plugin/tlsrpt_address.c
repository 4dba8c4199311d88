/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "tlsrpt_address.h"


typedef struct {
    unsigned char  bytes[16];
    unsigned       bits;
} tlsrpt_network_t;

/* RFC 6890, as IANA keeps it: what is not globally reachable. */
static const tlsrpt_network_t tlsrpt_networks4[] = {
    { { 0 }, 8 },
    { { 10 }, 8 },
    { { 100, 64 }, 10 },
    { { 127 }, 8 },
    { { 169, 254 }, 16 },
    { { 172, 16 }, 12 },
    { { 192, 0, 0 }, 24 },
    { { 192, 0, 2 }, 24 },
    { { 192, 168 }, 16 },
    { { 198, 18 }, 15 },
    { { 198, 51, 100 }, 24 },
    { { 203, 0, 113 }, 24 },
    { { 224 }, 3 },                     /* multicast, reserved, broadcast */
};

/* Of 2000::/3, which alone is handed out. */
static const tlsrpt_network_t tlsrpt_networks6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },       /* Teredo, benchmarks, ORCHID */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
    { { 0x3f, 0xff }, 20 },
};

static const tlsrpt_network_t tlsrpt_global6 = { { 0x20 }, 3 };
static const tlsrpt_network_t tlsrpt_6to4 = { { 0x20, 0x02 }, 16 };
static const tlsrpt_network_t tlsrpt_nat64 = {
    { 0x00, 0x64, 0xff, 0x9b }, 96 };


static int
tlsrpt_address_within(const unsigned char *bytes, const tlsrpt_network_t *net)
{
    unsigned       rest = net->bits % 8, whole = net->bits / 8;
    unsigned char  mask = (unsigned char) (0xff << (8 - rest));

    return memcmp(bytes, net->bytes, whole) == 0
           && (rest == 0
               || (bytes[whole] & mask) == (net->bytes[whole] & mask));
}


static int
tlsrpt_address_within_any(const unsigned char *bytes,
    const tlsrpt_network_t *nets, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (tlsrpt_address_within(bytes, &nets[i])) {
            return 1;
        }
    }

    return 0;
}


static int
tlsrpt_address_is_public4(const unsigned char *bytes)
{
    return !tlsrpt_address_within_any(bytes, tlsrpt_networks4,
               sizeof(tlsrpt_networks4) / sizeof(tlsrpt_networks4[0]));
}


static int
tlsrpt_address_is_public6(const unsigned char *bytes)
{
    if (tlsrpt_address_within(bytes, &tlsrpt_nat64)) {
        return tlsrpt_address_is_public4(bytes + 12);
    }

    if (tlsrpt_address_within(bytes, &tlsrpt_6to4)) {
        return tlsrpt_address_is_public4(bytes + 2);
    }

    return tlsrpt_address_within(bytes, &tlsrpt_global6)
           && !tlsrpt_address_within_any(bytes, tlsrpt_networks6,
                  sizeof(tlsrpt_networks6) / sizeof(tlsrpt_networks6[0]));
}


int
tlsrpt_address_is_public(const char *text)
{
    unsigned char  bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1) {
        return tlsrpt_address_is_public4(bytes);
    }

    return inet_pton(AF_INET6, text, bytes) == 1
           && tlsrpt_address_is_public6(bytes);
}
