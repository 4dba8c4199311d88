/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A domain's days, read from Redis: the domain's totals and the totals of each
 * month's days first, then the day logs of the days that have reports, so that
 * a lookup costs what reports there are, not how long the range is.
 *
 * Of a month that may be closed by now (tlsrpt_closed.h), the totals are read
 * at one moment with its head; so is each log of a day that has reports beside.
 * The chunks are last: of each, what the stream held when the day's log was
 * read, no more.  So it does not matter what is closed in between.
 */

#ifndef TLSRPT_DAY_SCAN_H
#define TLSRPT_DAY_SCAN_H

#include "tlsrpt_closed.h"
#include "tlsrpt_key.h"
#include "tlsrpt_query.h"
#include "tlsrpt_totals.h"

#pragma GCC visibility push(hidden)

/* What is known of a month that may be closed. */
typedef struct {
    int                perhaps;             /* may it be? */
    size_t             nchunks;             /* to be read */
} tlsrpt_scan_month_t;

typedef struct {
    int32_t            from;                /* days; none that is over the
                                               retention has reports */
    int32_t            to;
    int32_t            oldest;
    size_t             ndays;
    tlsrpt_str_t       prefix;              /* copies, the scan's own */
    tlsrpt_str_t       domain;
    int                seen;                /* was the domain ever? */
    int                due;                 /* is something open of a month
                                               that is to be closed? */
    int32_t            today;
    tlsrpt_totals_t    all;                 /* of all time */
    tlsrpt_totals_t   *days;                /* ndays of them */

    size_t             nmonths;
    size_t             next;                /* command */
    size_t             pending;             /* replies */
    tlsrpt_scan_month_t *months;            /* nmonths of them */
    uint64_t          *closed;              /* of each day: how much of the
                                               stream is its */
    unsigned char     *open;                /* has it a log beside that? */
    tlsrpt_key_read_t  read;
    tlsrpt_closed_read_t  read_closed;

    size_t             log_day;             /* of the last reply: its logs */
    tlsrpt_str_t       log;
    tlsrpt_chunk_t     chunk;
    size_t             chunk_month;
    char               field[16];           /* of a chunk */
} tlsrpt_day_scan_t;

/* 0, or -1: no memory. */
int tlsrpt_day_scan_init(tlsrpt_day_scan_t *scan, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_day_scan_free(tlsrpt_day_scan_t *scan);

/* The next command, borrowed until the next call, and its number; NULL: there
   is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_day_scan_next(tlsrpt_day_scan_t *scan,
    size_t *n);
/* The same, but for the day logs; the n-th of these, up to nmonths. */
const tlsrpt_command_t *tlsrpt_day_scan_next_totals(tlsrpt_day_scan_t *scan,
    size_t *n);
const tlsrpt_command_t *tlsrpt_day_scan_totals(tlsrpt_day_scan_t *scan,
    size_t n);
/* Are all totals known? */
int tlsrpt_day_scan_has_totals(const tlsrpt_day_scan_t *scan);
/* The first number that none of its commands has. */
size_t tlsrpt_day_scan_end(const tlsrpt_day_scan_t *scan);

/* Takes the reply to command n; 0, or -1: no memory. */
int tlsrpt_day_scan_add(tlsrpt_day_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* What of day logs was in that reply: 1: of the day (an index) its log, or some
   whole packed reports of it, valid as long as the reply; 0: that was all. */
int tlsrpt_day_scan_log(tlsrpt_day_scan_t *scan, size_t *day,
    tlsrpt_str_t *log);

#pragma GCC visibility pop

#endif /* TLSRPT_DAY_SCAN_H */
