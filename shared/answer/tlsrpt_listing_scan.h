/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The days' lists of reports, read from Redis: the domain and the totals of its
 * days first, then the list of each day that has reports, the newest first.
 */

#ifndef TLSRPT_LISTING_SCAN_H
#define TLSRPT_LISTING_SCAN_H

#include "tlsrpt_day_scan.h"

#pragma GCC visibility push(hidden)

typedef struct {
    tlsrpt_day_scan_t  days;                /* its days, not its day logs */
    size_t             left;                /* days that may have a list */
} tlsrpt_listing_scan_t;

/* 0, or -1: no memory. */
int tlsrpt_listing_scan_init(tlsrpt_listing_scan_t *scan,
    const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_listing_scan_free(tlsrpt_listing_scan_t *scan);

/* The next command and its number; NULL: there is none, or none before another
   reply. */
const tlsrpt_command_t *tlsrpt_listing_scan_next(tlsrpt_listing_scan_t *scan,
    size_t *n);

/* 1: the reply is a list, of *day; 0: it was none. */
int tlsrpt_listing_scan_add(tlsrpt_listing_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply, int32_t *day) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_LISTING_SCAN_H */
