/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer of BASE/domains/D, piece by piece, as JSON or CSV.  Only this and
 * tlsrpt_stats.c know what is inside the statistics.
 */

#ifndef TLSRPT_STATS_PRINT_H
#define TLSRPT_STATS_PRINT_H

#include "tlsrpt_day_scan.h"
#include "tlsrpt_group.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_query.h"
#include "tlsrpt_stats.h"

#pragma GCC visibility push(hidden)

/*
 * What a day's totals count and its day log does not is the overflow: the log
 * had no room for it.
 */

struct tlsrpt_stats {
    tlsrpt_query_t     query;
    tlsrpt_day_scan_t  scan;
    int                detailed;
    int                typed;
    int                by_details;          /* a filter is of the details */

    tlsrpt_totals_t   *logged;              /* of each day, its packed
                                               reports' */
    unsigned char     *read;                /* was there a day log? */

    uint64_t           reports;             /* of the whole answer */
    uint64_t           successful;
    uint64_t           failed;
    uint64_t           matched;             /* reports with such a detail */
    int                unsure;              /* there may be more of them */
    int                row_matched;
    tlsrpt_groups_t    groups;
    int                finished;

    int                is_csv;
    tlsrpt_order_t    *order;               /* NULL before the first piece */
    int                sorted;
    size_t             nwritten;            /* groups */

    tlsrpt_value_t     filter[TLSRPT_NDIMENSIONS];
    char               filter_ip[2][16];
    tlsrpt_packed_t    packed;
};

/* All before the groups, one group, and all behind them.  Out of memory:
   out->failed. */
void tlsrpt_stats_print_head(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out);
void tlsrpt_stats_print_group(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out,
    const tlsrpt_group_t *group);
void tlsrpt_stats_print_end(const tlsrpt_stats_t *stats, tlsrpt_buf_t *out);

#pragma GCC visibility pop

#endif /* TLSRPT_STATS_PRINT_H */
