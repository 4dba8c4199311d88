/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the fuzzers share: an input is cut at places it chooses itself.
 */

#ifndef TLSRPT_FUZZ_H
#define TLSRPT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                              \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

typedef int (*fuzz_feed_pt)(void *object, const void *bytes, size_t len);


/* FNV-1a, so that each input has cuts of its own. */
__attribute__((unused))
static uint64_t
fuzz_seed(const uint8_t *data, size_t len)
{
    uint64_t  seed = UINT64_C(0xcbf29ce484222325);

    while (len-- > 0) {
        seed = (seed ^ *data++) * UINT64_C(0x100000001b3);
    }

    return seed | 1;
}


/*
 * Feeds the data in pieces of 1 to about limit bytes, each in a block of its
 * own, so that a read beyond it is seen.  Returns what the last feed said.
 */
__attribute__((unused))
static int
fuzz_feed(void *object, fuzz_feed_pt feed, const uint8_t *data, size_t len,
    size_t limit)
{
    uint64_t  seed = fuzz_seed(data, len);
    size_t    n;
    uint8_t  *piece;
    int       rc = 0;

    while (len > 0 && rc == 0) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;

        n = 1 + (size_t) (seed >> 11) % limit;
        n = n < len ? n : len;

        piece = malloc(n);
        CHECK(piece != NULL);
        memcpy(piece, data, n);
        rc = feed(object, piece, n);
        free(piece);

        data += n;
        len -= n;
    }

    return rc;
}

#endif /* TLSRPT_FUZZ_H */
