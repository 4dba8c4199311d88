/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The hash of tables whose keys strangers choose.  The seed is the multiplier:
 * whoever does not know it cannot make keys collide on purpose.  It is drawn at
 * random when the process starts and never leaves it.
 */

#ifndef TLSRPT_HASH_H
#define TLSRPT_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


#pragma GCC visibility push(hidden)

extern uint64_t  tlsrpt_hash_secret;        /* constant once drawn */

#pragma GCC visibility pop


/* Both halves of the product, folded. */

static inline uint64_t
tlsrpt_hash_mul(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    __extension__ unsigned __int128  m = (unsigned __int128) a * b;

    return (uint64_t) m ^ (uint64_t) (m >> 64);
#else
    uint64_t  al = (uint32_t) a, ah = a >> 32, bl = (uint32_t) b, bh = b >> 32;
    uint64_t  mid = ah * bl + (al * bl >> 32);
    uint64_t  hi = ah * bh + (mid >> 32) + ((al * bh + (uint32_t) mid) >> 32);

    return (a * b) ^ hi;
#endif
}


/* Each table has a seed of its own: keys that come in the order of one table do
   not crowd in another. */

static inline uint64_t
tlsrpt_hash_seed(const void *table)
{
    uint64_t  v = (uintptr_t) table + tlsrpt_hash_secret;

    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ULL;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebULL;

    return (v ^ (v >> 31)) | 1;
}


/* The last bytes, up to eight, in one number: loads of a fixed size that may
   overlap, since memcpy() of a length that varies is a call. */

static inline uint64_t
tlsrpt_hash_tail(const unsigned char *p, size_t len)
{
    uint32_t  low, high;

    if (len >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + len - 4, 4);

        return (uint64_t) high << 32 | low;
    }

    return len ? (uint64_t) p[0] << 16 | (uint64_t) p[len / 2] << 8
                 | p[len - 1]
               : 0;
}


static inline uint64_t
tlsrpt_hash(uint64_t seed, const void *data, size_t len)
{
    uint64_t              v, h = seed ^ len;
    const unsigned char  *p = data;

    for ( ; len > 8; len -= 8, p += 8) {
        memcpy(&v, p, 8);
        h = tlsrpt_hash_mul(h ^ v, seed) + v;
    }

    v = tlsrpt_hash_tail(p, len);

    return tlsrpt_hash_mul(tlsrpt_hash_mul(h ^ v, seed) + v, seed);
}

#endif /* TLSRPT_HASH_H */
