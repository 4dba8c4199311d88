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
#include <string.h>

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

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


/* What is read, and of which key: by itself, or beside a closed month. */

__attribute__((unused))
static const char *
verb_of(const tlsrpt_command_t *c)
{
    return c->script == &tlsrpt_month_script ? c->argv[5] : c->argv[0];
}


__attribute__((unused))
static const char *
key_of(const tlsrpt_command_t *c)
{
    return c->script == &tlsrpt_month_script ? c->argv[4] : c->argv[1];
}


/* The reply to it: the same, or beside a month that is not closed. */

__attribute__((unused))
static const tlsrpt_reply_t *
beside(const tlsrpt_command_t *c, const tlsrpt_reply_t *reply)
{
    static tlsrpt_reply_t   none, other, pair;
    static tlsrpt_reply_t  *elements[2] = { &none, &other };

    if (c->script != &tlsrpt_month_script) {
        return reply;
    }

    none.type = TLSRPT_REPLY_STRING;
    none.str = "";
    other = *reply;

    if (other.type == TLSRPT_REPLY_NIL) {
        other = none;
    }

    pair.type = TLSRPT_REPLY_ARRAY;
    pair.elements = elements;
    pair.nelements = 2;

    return &pair;
}

#endif /* T_TOTALS_H */
