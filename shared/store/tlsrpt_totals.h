/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The totals of a month's days, and of a domain's all time, as
 * shared/store/ingest.lua keeps them: numbers of seven bytes, least significant
 * first.
 *
 *     day      = reports successful failed size [overflow]
 *     domain   = reports successful failed last
 *     struck   = reports successful failed     ; as shared/store/strike.lua
 *     size     = bytes in the day's log
 *     overflow = failed sessions in details that the day log did not take
 *     last     = time of the last report
 *
 * Field "b" of a domain is what was counted before it became an owner's, who
 * sees nothing of that: text, as shared/registry/act_add.lua writes it.
 *
 *     before   = since all struck *(result-type "=" failures)
 *     since    = second from which on it is his
 *     all      = reports successful failed     ; struck likewise
 */

#ifndef TLSRPT_TOTALS_H
#define TLSRPT_TOTALS_H

#include "tlsrpt_reply.h"
#include "tlsrpt_str.h"
#include "tlsrpt_time.h"

#pragma GCC visibility push(hidden)

typedef struct {
    uint64_t  reports;
    uint64_t  successful;
    uint64_t  failed;
    uint64_t  last;                         /* of a domain */
    uint64_t  overflow;                     /* of a day */
} tlsrpt_totals_t;

/* How many months the days from .. to are in. */
size_t tlsrpt_months(int32_t from, int32_t to);
/* The first day of the n-th of them. */
int32_t tlsrpt_nth_month(int32_t from, size_t n);

/* Of a domain; 0, or -1. */
int tlsrpt_totals_parse(const tlsrpt_reply_t *reply,
    tlsrpt_totals_t *totals) TLSRPT_MUST_USE;

/* Of what was struck out of a domain; 0, or -1. */
int tlsrpt_totals_parse_struck(const tlsrpt_reply_t *reply,
    tlsrpt_totals_t *totals) TLSRPT_MUST_USE;

#define TLSRPT_BEFORE_FIELD  "b"

typedef struct {
    int64_t          since;
    tlsrpt_totals_t  all;
    tlsrpt_totals_t  struck;
    tlsrpt_str_t     types;                 /* borrowed: "TYPE=N TYPE=N" */
} tlsrpt_before_t;

/* 0, or -1. */
int tlsrpt_before_parse(const tlsrpt_reply_t *reply, tlsrpt_before_t *before)
    TLSRPT_MUST_USE;
/* Failures of a result type among it. */
uint64_t tlsrpt_before_failures(const tlsrpt_before_t *before,
    tlsrpt_str_t type);

void tlsrpt_totals_add(tlsrpt_totals_t *sum, const tlsrpt_totals_t *totals);
/* Never below 0; the time of the last report stays. */
void tlsrpt_totals_take(tlsrpt_totals_t *sum, const tlsrpt_totals_t *totals);

/* A field of a month and its value: the day of the month and its totals; 0: it
   is none. */
int tlsrpt_totals_parse_day(const tlsrpt_reply_t *field,
    const tlsrpt_reply_t *value, tlsrpt_totals_t *totals);

/* A month's HGETALL: adds to days[day - from] for the days from .. to. */
void tlsrpt_totals_parse_month(const tlsrpt_reply_t *reply, int32_t month,
    int32_t from, int32_t to, tlsrpt_totals_t *days);

#pragma GCC visibility pop

#endif /* TLSRPT_TOTALS_H */
