/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's days, read from Redis: the domain's totals and the totals of each
 * month's days first, then the day logs of the days that have reports, so that
 * a lookup costs what reports there are, not how long the range is.
 */

#ifndef TLSRPT_DAY_SCAN_H
#define TLSRPT_DAY_SCAN_H

#include "tlsrpt_key.h"
#include "tlsrpt_query.h"
#include "tlsrpt_totals.h"

#pragma GCC visibility push(hidden)

typedef struct {
    int32_t            from;
    int32_t            to;
    size_t             ndays;
    tlsrpt_str_t       prefix;              /* copies, the scan's own */
    tlsrpt_str_t       domain;
    int                seen;                /* was the domain ever? */
    tlsrpt_totals_t    all;                 /* of all time */
    tlsrpt_totals_t   *days;                /* ndays of them */

    size_t             nmonths;
    size_t             next;                /* command */
    size_t             waiting;             /* replies before day logs are
                                               asked */
    tlsrpt_key_read_t  read;
} tlsrpt_day_scan_t;

/* 0, or -1: no memory. */
int tlsrpt_day_scan_init(tlsrpt_day_scan_t *scan, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_day_scan_free(tlsrpt_day_scan_t *scan);

/* The next command, borrowed until the next call, and its number; NULL: there
   is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_day_scan_next(tlsrpt_day_scan_t *scan,
    size_t *n);

/* Takes the reply to command n.  The index of the day whose day log it is, or
   -1: it was no day log. */
int tlsrpt_day_scan_add(tlsrpt_day_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_DAY_SCAN_H */
