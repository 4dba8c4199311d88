/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_recent.h"


static uint32_t
bounded(uint64_t time)
{
    return time > UINT32_MAX ? UINT32_MAX : (uint32_t) time;
}


int
tlsrpt_recent_note(tlsrpt_recent_t *recent, uint64_t time)
{
    size_t     size = recent->size ? 2 * recent->size : 1024;
    uint32_t  *p;

    if (recent->n == recent->size) {
        p = realloc(recent->times, size * sizeof(*p));

        if (p == NULL) {
            return -1;
        }

        recent->times = p;
        recent->size = size;
    }

    recent->times[recent->n++] = bounded(time);

    return 0;
}


/* Leaves those that have the same byte at shift as the max-th greatest; returns
   how many are above them. */

static size_t
narrow(tlsrpt_recent_t *recent, int shift, size_t max, uint32_t *byte)
{
    size_t    counts[256] = { 0 }, above = 0, left = 0;
    uint32_t  b = 255;

    for (size_t i = 0; i < recent->n; i++) {
        counts[recent->times[i] >> shift & 255]++;
    }

    while (b > 0 && above + counts[b] < max) {
        above += counts[b--];
    }

    for (size_t i = 0; i < recent->n; i++) {
        if ((recent->times[i] >> shift & 255) == b) {
            recent->times[left++] = recent->times[i];
        }
    }

    recent->n = left;
    *byte = b;

    return above;
}


void
tlsrpt_recent_choose(tlsrpt_recent_t *recent, size_t max)
{
    uint32_t  byte;

    recent->least = 0;
    recent->of_least = max;

    if (recent->n > max && max > 0) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            recent->of_least -= narrow(recent, shift, recent->of_least, &byte);
            recent->least |= byte << shift;
        }
    }

    free(recent->times);
    recent->times = NULL;
    recent->n = 0;
    recent->size = 0;
}


int
tlsrpt_recent_take(tlsrpt_recent_t *recent, uint64_t time)
{
    if (bounded(time) != recent->least) {
        return bounded(time) > recent->least;
    }

    if (recent->of_least == 0) {
        return 0;
    }

    recent->of_least--;

    return 1;
}


void
tlsrpt_recent_free(tlsrpt_recent_t *recent)
{
    free(recent->times);
    recent->times = NULL;
    recent->n = 0;
    recent->size = 0;
}
