/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replies -> answer, as hosts see it.  Every answer that is read from Redis is
 * a lookup: it says what to ask, takes the replies in any order, and answers.
 */

#ifndef TLSRPT_LOOKUP_H
#define TLSRPT_LOOKUP_H

#include "tlsrpt_buf.h"
#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_lookup  tlsrpt_lookup_t;

typedef struct {
    /* The next command, borrowed until the next call, and its number; NULL:
       there is none, or none before another reply. */
    const tlsrpt_command_t *(*next)(tlsrpt_lookup_t *lookup, size_t *n);

    /* The reply to command n: TLSRPT_OK or TLSRPT_ERR_MEMORY. */
    int (*add)(tlsrpt_lookup_t *lookup, size_t n,
        const tlsrpt_reply_t *reply);

    /* Was the domain ever seen? */
    int (*seen)(const tlsrpt_lookup_t *lookup);

    /* The answer, once there is no more to ask; NULL: no memory. */
    json_t *(*json)(tlsrpt_lookup_t *lookup);

    /* The answer as CSV instead: appends what there is of it after each reply,
       and what is left once there is no more to ask.  0, or -1: no memory.
       NULL: there is no CSV. */
    int (*csv)(tlsrpt_lookup_t *lookup, int at_end, tlsrpt_buf_t *out);

    void (*destroy)(tlsrpt_lookup_t *lookup);
} tlsrpt_lookup_type_t;

/* What every lookup begins with. */
struct tlsrpt_lookup {
    const tlsrpt_lookup_type_t  *type;
};

#pragma GCC visibility pop

#endif /* TLSRPT_LOOKUP_H */
