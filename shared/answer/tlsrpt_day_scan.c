/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"


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
tlsrpt_day_scan_init(tlsrpt_day_scan_t *scan, const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    memset(scan, 0, sizeof(*scan));
    scan->from = query->from;
    scan->to = query->to;
    scan->ndays = (size_t) (query->to - query->from) + 1;
    scan->nmonths = tlsrpt_months(query->from, query->to);
    scan->waiting = 1 + scan->nmonths;
    scan->days = calloc(1, scan->ndays * sizeof(*scan->days)
                           + domain.len + prefix.len + 2);

    if (scan->days == NULL) {
        return -1;
    }

    copy(copy((char *) (scan->days + scan->ndays), domain, &scan->domain),
         prefix, &scan->prefix);

    return 0;
}


void
tlsrpt_day_scan_free(tlsrpt_day_scan_t *scan)
{
    free(scan->days);
    scan->days = NULL;
}


static const tlsrpt_command_t *
next_log(tlsrpt_day_scan_t *scan, size_t *n)
{
    size_t  day = scan->next - 1 - scan->nmonths;

    while (day < scan->ndays && scan->days[day].reports == 0) {
        day++;
    }

    *n = day + 1 + scan->nmonths;
    scan->next = *n + 1;

    if (day >= scan->ndays) {
        scan->next = *n;
        return NULL;
    }

    tlsrpt_key_day(&scan->read.key, scan->prefix, scan->domain,
                   scan->from + (int32_t) day, "");

    return tlsrpt_key_read(&scan->read, "GET", NULL, 0);
}


const tlsrpt_command_t *
tlsrpt_day_scan_next(tlsrpt_day_scan_t *scan, size_t *n)
{
    *n = scan->next;

    if (*n > scan->nmonths) {
        return scan->waiting ? NULL : next_log(scan, n);
    }

    scan->next++;

    if (*n == 0) {
        tlsrpt_key_domain(&scan->read.key, scan->prefix, scan->domain, "");
        return tlsrpt_key_read(&scan->read, "HGET", "all", 3);
    }

    tlsrpt_key_month(&scan->read.key, scan->prefix, scan->domain,
                     tlsrpt_nth_month(scan->from, *n - 1));

    return tlsrpt_key_read(&scan->read, "HGETALL", NULL, 0);
}


int
tlsrpt_day_scan_add(tlsrpt_day_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply)
{
    if (n > scan->nmonths) {
        return (int) (n - 1 - scan->nmonths);
    }

    scan->waiting--;

    if (n == 0) {
        scan->seen = tlsrpt_totals_parse(reply, &scan->all) == 0;

    } else {
        tlsrpt_totals_parse_month(reply, tlsrpt_nth_month(scan->from, n - 1),
                                  scan->from, scan->to, scan->days);
    }

    return -1;
}
