/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests that answer for Redis: totals told in words, as tlsrpt_totals.h has
 * them.
 */

#ifndef T_TOTALS_H
#define T_TOTALS_H

#include <stdint.h>
#include <stdlib.h>

#define TOTALS_SIZE  64


/* Numbers, up to the first word that is none. */

__attribute__((unused))
static size_t
put_totals(char buf[TOTALS_SIZE], const char *words)
{
    char      *end;
    size_t     len = 0;
    uint64_t   value;

    while (len + 7 <= TOTALS_SIZE) {
        value = strtoull(words, &end, 10);

        if (end == words) {
            break;
        }

        for (words = end; ; value >>= 8) {
            buf[len++] = (char) value;

            if (len % 7 == 0) {
                break;
            }
        }
    }

    return len;
}

#endif /* T_TOTALS_H */
