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
    return 1 + scan->range.nmonths + scan->range.ndays;
}


int
tlsrpt_listing_scan_init(tlsrpt_listing_scan_t *scan,
    const tlsrpt_query_t *query, tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    memset(scan, 0, sizeof(*scan));

    if (tlsrpt_range_init(&scan->range, query, domain, prefix) != 0) {
        return -1;
    }

    scan->left = scan->range.ndays;

    return 0;
}


void
tlsrpt_listing_scan_free(tlsrpt_listing_scan_t *scan)
{
    tlsrpt_range_free(&scan->range);
}


const tlsrpt_command_t *
tlsrpt_listing_scan_next(tlsrpt_listing_scan_t *scan, size_t *n)
{
    tlsrpt_range_t  *range = &scan->range;

    if (range->next <= range->nmonths) {
        return tlsrpt_range_next(range, n);
    }

    while (range->waiting == 0 && scan->left
           && range->days[scan->left - 1].reports == 0)
    {
        scan->left--;
    }

    if (range->waiting || scan->left == 0) {
        return NULL;
    }

    scan->left--;
    *n = first_list(scan) + scan->left;
    tlsrpt_key_day(&range->read.key, range->prefix, range->domain,
                   range->from + (int32_t) scan->left, ":reports");

    return tlsrpt_key_read(&range->read, "HGETALL", NULL, 0);
}


int
tlsrpt_listing_scan_add(tlsrpt_listing_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply, int32_t *day)
{
    *day = scan->range.from;

    if (n < first_list(scan)) {
        return tlsrpt_range_add(&scan->range, n, reply) >= 0;
    }

    *day = scan->range.from + (int32_t) (n - first_list(scan));

    return reply->type == TLSRPT_REPLY_ARRAY;
}
