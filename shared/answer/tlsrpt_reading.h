/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replies -> answer, as hosts see it.  Every answer that is read from Redis is
 * a reading: it says what to ask, takes the replies in any order, and answers.
 */

#ifndef TLSRPT_READING_H
#define TLSRPT_READING_H

#include "tlsrpt_command.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_reading  tlsrpt_reading_t;

typedef struct {
    /* The next command, borrowed until the next call, and its number; NULL:
       there is none, or none before another reply. */
    const tlsrpt_command_t *(*next)(tlsrpt_reading_t *reading, size_t *n);

    /* The reply to command n: TLSRPT_OK or TLSRPT_ERR_MEMORY. */
    int (*add)(tlsrpt_reading_t *reading, size_t n,
        const tlsrpt_reply_t *reply);

    /* Was the domain ever seen? */
    int (*seen)(const tlsrpt_reading_t *reading);

    /* The answer, once there is no more to ask; NULL: no memory. */
    json_t *(*json)(tlsrpt_reading_t *reading);

    void (*destroy)(tlsrpt_reading_t *reading);
} tlsrpt_reading_type_t;

/* The first member of what a reading is. */
struct tlsrpt_reading {
    const tlsrpt_reading_type_t  *type;
};

#pragma GCC visibility pop

#endif /* TLSRPT_READING_H */
