/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replies -> day logs -> tally -> answer.
 *
 * After _create, the host sends each command that _next returns, as many at a
 * time as it likes, and gives each reply to _add with the command's number, in
 * any order; then it takes one answer.  Only the day logs of days that have
 * reports are asked for.  _add: TLSRPT_OK or TLSRPT_ERR_MEMORY.
 */

#ifndef TLSRPT_STATS_H
#define TLSRPT_STATS_H

#include <jansson.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_command.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_stats tlsrpt_stats_t;

tlsrpt_stats_t *tlsrpt_stats_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_stats_destroy(tlsrpt_stats_t *stats);
/* The command is borrowed, and overwritten by the next call; n: its number.
   NULL: there is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_stats_next(tlsrpt_stats_t *stats, size_t *n);
int tlsrpt_stats_add(tlsrpt_stats_t *stats, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Was the domain ever seen? */
int tlsrpt_stats_seen(const tlsrpt_stats_t *stats);
/* Was there something open of a month that is due to be closed
   (tlsrpt_closing.h)? */
int tlsrpt_stats_due(const tlsrpt_stats_t *stats);

/* The answer, once there is no more to ask, in turns that each take a short
   time: appends the next piece, which may be empty.  1: there is more; 0: that
   was all; -1: no memory.  is_csv must be the same at each call. */
int tlsrpt_stats_write(tlsrpt_stats_t *stats, int is_csv, tlsrpt_buf_t *out)
    TLSRPT_MUST_USE;

/* The whole answer at once, instead of _write; to be called once.  NULL: no
   memory.  free() the CSV: UTF-8, lines end in CRLF (RFC 4180). */
json_t *tlsrpt_stats_json(tlsrpt_stats_t *stats) TLSRPT_MUST_USE;
char *tlsrpt_stats_csv(tlsrpt_stats_t *stats, size_t *len) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_STATS_H */
