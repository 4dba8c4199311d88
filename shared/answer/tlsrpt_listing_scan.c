/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_listing_scan.h"


/* The numbers of the range's commands come first, those of its day logs
   included; then that of each day's list. */

static size_t
first_list(const tlsrpt_listing_scan_t *scan)
{
    return tlsrpt_day_scan_end(&scan->days);
}


int
tlsrpt_listing_scan_init(tlsrpt_listing_scan_t *scan,
    const tlsrpt_query_t *query, tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    memset(scan, 0, sizeof(*scan));

    if (tlsrpt_day_scan_init(&scan->days, query, domain, prefix) != 0) {
        return -1;
    }

    scan->left = scan->days.ndays;

    return 0;
}


void
tlsrpt_listing_scan_free(tlsrpt_listing_scan_t *scan)
{
    tlsrpt_day_scan_free(&scan->days);
}


const tlsrpt_command_t *
tlsrpt_listing_scan_next(tlsrpt_listing_scan_t *scan, size_t *n)
{
    tlsrpt_day_scan_t       *days = &scan->days;
    const tlsrpt_command_t  *command = tlsrpt_day_scan_next_totals(days, n);

    if (command != NULL || !tlsrpt_day_scan_has_totals(days)) {
        return command;
    }

    while (scan->left && days->days[scan->left - 1].reports == 0) {
        scan->left--;
    }

    if (scan->left == 0) {
        return NULL;
    }

    scan->left--;
    *n = first_list(scan) + scan->left;
    tlsrpt_key_day(&days->read.key, days->prefix, days->domain,
                   days->from + (int32_t) scan->left, ":reports");

    return tlsrpt_key_read(&days->read, "HGETALL", NULL, 0);
}


int
tlsrpt_listing_scan_add(tlsrpt_listing_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply, int32_t *day)
{
    *day = scan->days.from;

    if (n < first_list(scan)) {
        /* totals: there is nothing to run out of memory for */
        return tlsrpt_day_scan_add(&scan->days, n, reply) > 0;
    }

    *day = scan->days.from + (int32_t) (n - first_list(scan));

    return reply->type == TLSRPT_REPLY_ARRAY;
}
