/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Counts of sessions and reports.
 */

#ifndef TLSRPT_COUNT_H
#define TLSRPT_COUNT_H

#include <stdint.h>


/* 2^53 - 1: the largest number that JSON and Redis's Lua hold exactly. */
#define TLSRPT_MAX_COUNT  9007199254740991ULL


/* The sum, or the largest count: no sender can make a sum wrap. */

static inline uint64_t
tlsrpt_count_add(uint64_t a, uint64_t b)
{
    return a > TLSRPT_MAX_COUNT || b > TLSRPT_MAX_COUNT - a
           ? TLSRPT_MAX_COUNT : a + b;
}

#endif /* TLSRPT_COUNT_H */
