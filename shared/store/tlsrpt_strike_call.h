/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The call of strike.lua, as it is put together: what was read, and what is to
 * stand there.
 */

#ifndef TLSRPT_STRIKE_CALL_H
#define TLSRPT_STRIKE_CALL_H

#include "tlsrpt_closed.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_sought.h"
#include "tlsrpt_strike.h"

#pragma GCC visibility push(hidden)

typedef struct {
    const tlsrpt_strike_conf_t  *conf;
    int32_t             day;
    int64_t             latest;             /* when the last report but this
                                               one came; 0: not known */

    tlsrpt_buf_t        entry;              /* as it was */
    tlsrpt_kept_head_t  head;               /* of it; version 0: none */

    tlsrpt_buf_t        closed_was;         /* head of the closed month */
    tlsrpt_closed_t     closed;             /* the same; all zeroes: none */

    size_t              at;                 /* in the day log */
    tlsrpt_buf_t        packed;             /* its bytes there; len 0: it is not
                                               there */
    size_t              flags;              /* of these the byte that changes */

    char                field[8];           /* of its chunk; "": none */
    char                sha1[41];
    tlsrpt_buf_t        chunk;              /* as it will be */
} tlsrpt_strike_call_t;

/* All: 0, or -1: no memory.  To be freed, and then as if new but for conf and
   day. */

int tlsrpt_strike_call_entry(tlsrpt_strike_call_t *call,
    const tlsrpt_reply_t *entry) TLSRPT_MUST_USE;
/* -1: it is of a later version, too. */
int tlsrpt_strike_call_closed(tlsrpt_strike_call_t *call,
    const tlsrpt_reply_t *head) TLSRPT_MUST_USE;
int tlsrpt_strike_call_log(tlsrpt_strike_call_t *call, tlsrpt_str_t log,
    tlsrpt_place_t place) TLSRPT_MUST_USE;
/* reply: the chunk as it was; flags: the byte of its text that changes. */
int tlsrpt_strike_call_chunk(tlsrpt_strike_call_t *call, const char *field,
    const tlsrpt_reply_t *reply, tlsrpt_chunk_t *chunk, size_t flags)
    TLSRPT_MUST_USE;

/* NULL: no memory. */
tlsrpt_command_t *tlsrpt_strike_call_command(const tlsrpt_strike_call_t *call,
    const tlsrpt_sought_t *sought) TLSRPT_MUST_USE;

void tlsrpt_strike_call_free(tlsrpt_strike_call_t *call);

#pragma GCC visibility pop

#endif /* TLSRPT_STRIKE_CALL_H */
