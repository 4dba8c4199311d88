/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_lists.h"


/* The numbers of the range's commands come first, those of its day logs
   included; then that of each day's list. */

static size_t
first_list(const tlsrpt_lists_t *lists)
{
    return 1 + lists->range.nmonths + lists->range.ndays;
}


int
tlsrpt_lists_init(tlsrpt_lists_t *lists, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    memset(lists, 0, sizeof(*lists));

    if (tlsrpt_range_init(&lists->range, query, domain, prefix) != 0) {
        return -1;
    }

    lists->left = lists->range.ndays;

    return 0;
}


void
tlsrpt_lists_free(tlsrpt_lists_t *lists)
{
    tlsrpt_range_free(&lists->range);
}


const tlsrpt_command_t *
tlsrpt_lists_next(tlsrpt_lists_t *lists, size_t *n)
{
    tlsrpt_range_t  *range = &lists->range;

    if (range->next <= range->nmonths) {
        return tlsrpt_range_next(range, n);
    }

    while (range->waiting == 0 && lists->left
           && range->days[lists->left - 1].reports == 0)
    {
        lists->left--;
    }

    if (range->waiting || lists->left == 0) {
        return NULL;
    }

    lists->left--;
    *n = first_list(lists) + lists->left;
    tlsrpt_key_day(&range->read.key, range->prefix, range->domain,
                   range->from + (int32_t) lists->left, ":reports");

    return tlsrpt_key_read(&range->read, "HGETALL", NULL, 0);
}


int
tlsrpt_lists_add(tlsrpt_lists_t *lists, size_t n, const tlsrpt_reply_t *reply,
    int32_t *day)
{
    *day = lists->range.from;

    if (n < first_list(lists)) {
        return tlsrpt_range_add(&lists->range, n, reply) >= 0;
    }

    *day = lists->range.from + (int32_t) (n - first_list(lists));

    return reply->type == TLSRPT_REPLY_ARRAY;
}
