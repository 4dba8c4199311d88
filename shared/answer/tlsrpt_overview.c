/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>

#include "tlsrpt_day_scan.h"
#include "tlsrpt_overview.h"
#include "tlsrpt_tally.h"


/* How far back from the newest day of the range reports may be and the domain
   is not "silent": reports on a day come on the next one. */
#define SILENT_DAYS   3
/* And how many days up to the newest report "failing" looks at. */
#define FAILING_DAYS  7

struct tlsrpt_overview {
    tlsrpt_day_scan_t  scan;                /* its days, not its day logs */
};


tlsrpt_overview_t *
tlsrpt_overview_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    tlsrpt_overview_t  *overview = malloc(sizeof(*overview));

    if (overview != NULL
        && tlsrpt_day_scan_init(&overview->scan, query, domain, prefix) != 0)
    {
        free(overview);
        return NULL;
    }

    return overview;
}


void
tlsrpt_overview_destroy(tlsrpt_overview_t *overview)
{
    if (overview != NULL) {
        tlsrpt_day_scan_free(&overview->scan);
        free(overview);
    }
}


size_t
tlsrpt_overview_ncommands(const tlsrpt_overview_t *overview)
{
    return 1 + overview->scan.nmonths;
}


const tlsrpt_command_t *
tlsrpt_overview_command(tlsrpt_overview_t *overview, size_t n)
{
    return tlsrpt_day_scan_totals(&overview->scan, n);
}


int
tlsrpt_overview_add(tlsrpt_overview_t *overview, size_t n,
    const tlsrpt_reply_t *reply)
{
    return tlsrpt_day_scan_add(&overview->scan, n, reply) == 0
           ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


int
tlsrpt_overview_seen(const tlsrpt_overview_t *overview)
{
    return overview->scan.seen;
}


/* The newest day with a report, or from - 1. */

static int32_t
newest_day(const tlsrpt_overview_t *overview)
{
    int32_t  day = overview->scan.to;

    while (day >= overview->scan.from
           && overview->scan.days[day - overview->scan.from].reports == 0)
    {
        day--;
    }

    return day;
}


static const char *
status(const tlsrpt_overview_t *overview)
{
    int32_t                   newest = newest_day(overview);
    const tlsrpt_day_scan_t  *scan = &overview->scan;

    if (!scan->seen) {
        return NULL;
    }

    if (newest <= scan->to - SILENT_DAYS || newest < scan->from) {
        return "silent";
    }

    for (int32_t day = newest;
         day >= scan->from && day > newest - FAILING_DAYS;
         day--)
    {
        if (scan->days[day - scan->from].failed) {
            return "failing";
        }
    }

    return "ok";
}


const char *const  tlsrpt_overview_names[TLSRPT_OVERVIEW_NAMES] = {
    "domain", "reports", "total-successful-session-count",
    "total-failure-session-count", "last-report", "status"
};


json_t *
tlsrpt_overview_json(const tlsrpt_overview_t *overview)
{
    char                      last[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_totals_t           sum = { 0, 0, 0, 0, 0 };
    const tlsrpt_day_scan_t  *scan = &overview->scan;

    for (size_t i = 0; i < scan->ndays; i++) {
        tlsrpt_totals_add(&sum, &scan->days[i]);
    }

    tlsrpt_time_text(scan->all.last < TLSRPT_TIME_END
                     ? (int64_t) scan->all.last : TLSRPT_TIME_END - 1,
                     last);

    return json_pack("{s:s%, s:I, s:I, s:I, s:s?, s:s?}",
                     "domain", scan->domain.data, scan->domain.len,
                     "reports", (json_int_t) sum.reports,
                     "total-successful-session-count",
                     (json_int_t) sum.successful,
                     "total-failure-session-count", (json_int_t) sum.failed,
                     "last-report", scan->seen ? last : NULL,
                     "status", status(overview));
}
