/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_listing_scan.h"


/*
 * One list
 */

void
tlsrpt_list_pages_init(tlsrpt_list_pages_t *pages, size_t below)
{
    pages->below = below;
    pages->asked = 0;
    pages->is_over = below == 0;
}


const tlsrpt_command_t *
tlsrpt_list_pages_next(tlsrpt_list_pages_t *pages, tlsrpt_key_read_t *read,
    size_t n)
{
    long long  last, first;

    if (pages->below == SIZE_MAX) {
        first = -2 * (long long) n;
        last = -1;

    } else {
        n = n < pages->below ? n : pages->below;
        last = 2 * (long long) pages->below - 1;
        first = last - 2 * (long long) n + 1;
    }

    pages->asked = n;

    return tlsrpt_key_range(read, "LRANGE", first, last);
}


static const tlsrpt_reply_t *
entry(const tlsrpt_reply_t *reply, size_t i)
{
    return reply->elements[reply->nelements / 2 * 2 - 1 - 2 * i];
}


/* The index of the oldest report of the page, which any of them tells. */

static size_t
first_index(const tlsrpt_reply_t *reply, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int  index = tlsrpt_kept_index(entry(reply, i));

        if (index >= (int) (n - 1 - i)) {
            return (size_t) index - (n - 1 - i);
        }
    }

    return 0;
}


size_t
tlsrpt_list_pages_add(tlsrpt_list_pages_t *pages, const tlsrpt_reply_t *reply)
{
    size_t  n = reply->type == TLSRPT_REPLY_ARRAY ? reply->nelements / 2 : 0;

    if (pages->below != SIZE_MAX) {
        pages->below -= pages->asked;

    } else if (n == pages->asked) {
        pages->below = first_index(reply, n);
    }

    pages->is_over = n < pages->asked || pages->below == 0;

    return n;
}


int
tlsrpt_list_pages_head(tlsrpt_kept_head_t *head, int32_t day,
    const tlsrpt_reply_t *reply, size_t i, int struck)
{
    int  rc = tlsrpt_kept_decode(head, day, entry(reply, i));

    return rc == 0 && head->is_struck && !struck ? -1 : rc;
}


/*
 * Those of many days
 */

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


void
tlsrpt_listing_scan_from(tlsrpt_listing_scan_t *scan, int32_t day,
    size_t below)
{
    if (day < scan->days.from) {
        scan->left = 0;

    } else if (day <= scan->days.to) {
        scan->left = (size_t) (day - scan->days.from) + 1;
        scan->is_within = 1;
        tlsrpt_list_pages_init(&scan->pages, below);
    }
}


/* Moves on to the next list of which there is something to read; 0: there is
   none. */

static int
move_on(tlsrpt_listing_scan_t *scan)
{
    if (scan->is_within && !scan->pages.is_over) {
        return 1;
    }

    scan->left -= (size_t) scan->is_within;

    while (scan->left && !scan->every_day
           && scan->days.days[scan->left - 1].reports == 0)
    {
        scan->left--;
    }

    scan->is_within = scan->left != 0;
    tlsrpt_list_pages_init(&scan->pages, SIZE_MAX);

    return scan->is_within;
}


const tlsrpt_command_t *
tlsrpt_listing_scan_next(tlsrpt_listing_scan_t *scan, size_t most, size_t *n)
{
    tlsrpt_day_scan_t       *days = &scan->days;
    const tlsrpt_command_t  *command = tlsrpt_day_scan_next_totals(days, n);

    if (command != NULL || !tlsrpt_day_scan_has_totals(days)) {
        return command;
    }

    if (scan->waiting || !move_on(scan)) {
        return NULL;
    }

    scan->waiting = 1;
    *n = tlsrpt_day_scan_end(days);         /* whichever page it is */
    tlsrpt_key_day(&days->read.key, days->prefix, days->domain,
                   days->from + (int32_t) scan->left - 1, ":kept");

    return tlsrpt_list_pages_next(&scan->pages, &days->read,
                                  most < TLSRPT_LISTING_PAGE
                                  ? most : TLSRPT_LISTING_PAGE);
}


size_t
tlsrpt_listing_scan_add(tlsrpt_listing_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply, int32_t *day, int *is_last)
{
    size_t  reports;

    *is_last = 0;
    *day = scan->days.from;

    if (n < tlsrpt_day_scan_end(&scan->days)) {
        /* totals: there is nothing to run out of memory for */
        return tlsrpt_day_scan_add(&scan->days, n, reply) > 0;
    }

    scan->waiting = 0;
    *day = scan->days.from + (int32_t) scan->left - 1;
    reports = tlsrpt_list_pages_add(&scan->pages, reply);
    *is_last = scan->pages.is_over;

    return reports;
}
