/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_range.h"


/* Command 0 is the domain, 1 .. nmonths the months, then a day each. */


static char *
copy(char *p, tlsrpt_str_t from, tlsrpt_str_t *to)
{
    memcpy(p, from.data, from.len);
    p[from.len] = '\0';
    to->data = p;
    to->len = from.len;

    return p + from.len + 1;
}


int
tlsrpt_range_init(tlsrpt_range_t *range, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    memset(range, 0, sizeof(*range));
    range->from = query->from;
    range->to = query->to;
    range->ndays = (size_t) (query->to - query->from) + 1;
    range->nmonths = tlsrpt_months(query->from, query->to);
    range->waiting = 1 + range->nmonths;
    range->days = calloc(1, range->ndays * sizeof(*range->days)
                            + domain.len + prefix.len + 2);

    if (range->days == NULL) {
        return -1;
    }

    copy(copy((char *) (range->days + range->ndays), domain, &range->domain),
         prefix, &range->prefix);

    return 0;
}


void
tlsrpt_range_free(tlsrpt_range_t *range)
{
    free(range->days);
    range->days = NULL;
}


static const tlsrpt_command_t *
next_log(tlsrpt_range_t *range, size_t *n)
{
    size_t  day = range->next - 1 - range->nmonths;

    while (day < range->ndays && range->days[day].reports == 0) {
        day++;
    }

    *n = day + 1 + range->nmonths;
    range->next = *n + 1;

    if (day >= range->ndays) {
        range->next = *n;
        return NULL;
    }

    tlsrpt_key_day(&range->read.key, range->prefix, range->domain,
                   range->from + (int32_t) day, "");

    return tlsrpt_key_read(&range->read, "GET", NULL, 0);
}


const tlsrpt_command_t *
tlsrpt_range_next(tlsrpt_range_t *range, size_t *n)
{
    *n = range->next;

    if (*n > range->nmonths) {
        return range->waiting ? NULL : next_log(range, n);
    }

    range->next++;

    if (*n == 0) {
        tlsrpt_key_domain(&range->read.key, range->prefix, range->domain, "");
        return tlsrpt_key_read(&range->read, "HGET", "all", 3);
    }

    tlsrpt_key_month(&range->read.key, range->prefix, range->domain,
                     tlsrpt_nth_month(range->from, *n - 1));

    return tlsrpt_key_read(&range->read, "HGETALL", NULL, 0);
}


int
tlsrpt_range_add(tlsrpt_range_t *range, size_t n, const tlsrpt_reply_t *reply)
{
    if (n > range->nmonths) {
        return (int) (n - 1 - range->nmonths);
    }

    range->waiting--;

    if (n == 0) {
        range->seen = tlsrpt_totals_parse(reply, &range->all) == 0;

    } else {
        tlsrpt_totals_parse_month(reply, tlsrpt_nth_month(range->from, n - 1),
                                  range->from, range->to, range->days);
    }

    return -1;
}
