/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replies -> day logs -> tally -> answer.
 *
 * create, then send each command of _next in any pipelining and give each
 * reply to _add with its number, in any order; then one answer.  Day logs are
 * asked for only of the days that have reports.
 * _add: TLSRPT_OK or TLSRPT_ERR_MEMORY.
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

/* The answer, once there is no more to ask, in turns none of which takes long:
   appends what there is next, if anything.  1: there is more; 0: that was all;
   -1: no memory.  CSV or JSON, the same at each call. */
int tlsrpt_stats_write(tlsrpt_stats_t *stats, int is_csv, tlsrpt_buf_t *out)
    TLSRPT_MUST_USE;

/* All of it at once, in place of that; once.  NULL: no memory.  The CSV is UTF-8, lines end in CRLF (RFC 4180); free(). */
json_t *tlsrpt_stats_json(tlsrpt_stats_t *stats) TLSRPT_MUST_USE;
char *tlsrpt_stats_csv(tlsrpt_stats_t *stats, size_t *len) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_STATS_H */
