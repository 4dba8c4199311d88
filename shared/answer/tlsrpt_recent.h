/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The most recent of many times, up to a number of them: first each is noted,
 * then each is asked about, in the same order.
 */

#ifndef TLSRPT_RECENT_H
#define TLSRPT_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* All zeroes is an empty one. */
typedef struct {
    uint32_t  *times;                       /* seconds; four bytes each */
    size_t     n;
    size_t     size;
    uint32_t   least;                       /* that is taken */
    size_t     of_least;                    /* so many of these */
} tlsrpt_recent_t;

/* 0, or -1: no memory.  Above 2^32 - 1 all times are equal. */
int tlsrpt_recent_note(tlsrpt_recent_t *recent, uint64_t time) TLSRPT_MUST_USE;

/* Once all are noted, in linear time.  Frees them. */
void tlsrpt_recent_choose(tlsrpt_recent_t *recent, size_t max);

/* Is it one of the chosen? */
int tlsrpt_recent_take(tlsrpt_recent_t *recent, uint64_t time);

void tlsrpt_recent_free(tlsrpt_recent_t *recent);

#pragma GCC visibility pop

#endif /* TLSRPT_RECENT_H */
