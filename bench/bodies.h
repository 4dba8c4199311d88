/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Bodies as honest senders make them, and as somebody would who wants reading
 * them to cost as much as can be.  A seed gives the same bodies every time.
 */

#ifndef TLSRPT_BODIES_H
#define TLSRPT_BODIES_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char  *data;                   /* free() */
    size_t          len;
    char            name[64];               /* family, packing, size */
} body_t;

/* Families of texts, and of ways to pack one. */
unsigned bodies_nfamilies(void);
unsigned bodies_npackings(void);
unsigned bodies_nhonest(void);
const char *bodies_family(unsigned family);

/*
 * A body whose text is about `size` bytes.  day: days since 1970 of the report.
 * The same seed, the same body.
 */
body_t bodies_hostile(unsigned family, unsigned packing, size_t size,
    uint64_t seed, int day);
body_t bodies_honest(unsigned kind, size_t size, uint64_t seed, int day);

#endif /* TLSRPT_BODIES_H */
