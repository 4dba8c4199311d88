/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_rhythm.h"


/* The longest time between two days with reports, or, where there is one such
   day only, before it. */

static size_t
longest_gap(const unsigned char *reported, size_t n)
{
    size_t  gap = 0, count = 0, last = 0;

    for (size_t i = 0; i < n; i++) {
        if (!reported[i]) {
            continue;
        }

        if (count < 2 || i - last > gap) {
            gap = i - last;
        }

        last = i;
        count++;
    }

    return gap;
}


int
tlsrpt_rhythm_is_silent(const unsigned char *reported, size_t n, size_t *last)
{
    *last = n;

    while (*last && !reported[*last - 1]) {
        --*last;
    }

    return n - *last >= TLSRPT_SILENT_DAYS
           && (*last == 0 || n - *last > 2 * longest_gap(reported, *last));
}
