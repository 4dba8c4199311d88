/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"
#include "tlsrpt_overview.h"
#include "tlsrpt_rhythm.h"
#include "tlsrpt_tally.h"


/* What is open is seen by so many days up to the newest report, as long as that
   is no more than so many days ago: as of a domain's problems, as far as totals
   tell. */
#define RECENT_DAYS      7
#define LAPSE_DAYS       14
/* Single sessions, "occasional": below both, on so many of these days. */
#define SINGLE_PERCENT   1
#define SINGLE_SESSIONS  20
#define SINGLE_DAYS      2

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


/* last: 1 + the newest day of the range with a report; 0: none. */

static int
is_silent(const tlsrpt_overview_t *overview, size_t *last)
{
    const size_t   n = (size_t) (overview->scan.to - overview->scan.from) + 1;
    const uint64_t  last_came = overview->scan.all.last;
    const int32_t   came = tlsrpt_day_of(last_came < TLSRPT_TIME_END
                                         ? (int64_t) last_came
                                         : TLSRPT_TIME_END - 1);
    int            silent;
    unsigned char  days[TLSRPT_MAX_QUERY_DAYS];

    for (size_t i = 0; i < n; i++) {
        days[i] = overview->scan.days[i].reports > 0;
    }

    silent = tlsrpt_rhythm_is_silent(days, n, last);

    /* where the range has no report, it is when the last one came */
    return *last ? silent : came + TLSRPT_SILENT_DAYS <= overview->scan.to + 1;
}


static int
is_single(const tlsrpt_totals_t *day)
{
    return (double) day->failed * 100
           < ((double) day->successful + (double) day->failed) * SINGLE_PERCENT
           && day->failed < SINGLE_SESSIONS;
}


/* "failing", "occasional", or NULL. */

static const char *
failing(const tlsrpt_overview_t *overview, size_t last)
{
    const tlsrpt_day_scan_t  *scan = &overview->scan;
    size_t  n = 0, first = last > RECENT_DAYS ? last - RECENT_DAYS : 0;
    int     single = 1;

    if (scan->to - scan->from + 1 - (int32_t) last > LAPSE_DAYS) {
        return NULL;
    }

    for (size_t i = first; i < last; i++) {
        n += scan->days[i].failed > 0;
        single &= scan->days[i].failed == 0
                  || is_single(&scan->days[i]);
    }

    return n == 0 ? NULL : single && n <= SINGLE_DAYS ? "occasional"
                                                      : "failing";
}


static const char *
status(const tlsrpt_overview_t *overview)
{
    size_t       last;
    const int    silent = is_silent(overview, &last);
    const char  *failure = failing(overview, last);

    if (!overview->scan.seen) {
        return "waiting";
    }

    if (failure != NULL && strcmp(failure, "failing") == 0) {
        return failure;
    }

    return silent ? "silent" : failure != NULL ? failure : "ok";
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

    return json_pack("{s:s%, s:I, s:I, s:I, s:s?, s:s}",
                     "domain", scan->domain.data, scan->domain.len,
                     "reports", (json_int_t) sum.reports,
                     "total-successful-session-count",
                     (json_int_t) sum.successful,
                     "total-failure-session-count", (json_int_t) sum.failed,
                     "last-report", scan->seen ? last : NULL,
                     "status", status(overview));
}
