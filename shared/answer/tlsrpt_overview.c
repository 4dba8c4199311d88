/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_key.h"
#include "tlsrpt_overview.h"
#include "tlsrpt_tally.h"
#include "tlsrpt_totals.h"


/* How far back from the newest day of the range reports may be and the domain
   is not "silent": reports on a day come on the next one. */
#define SILENT_DAYS   3
/* And how many days up to the newest report "failing" looks at. */
#define FAILING_DAYS  7

struct tlsrpt_overview {
    int32_t            from;
    int32_t            to;
    tlsrpt_str_t       prefix;              /* copies, behind the struct */
    tlsrpt_str_t       domain;
    size_t             nmonths;
    int                seen;
    tlsrpt_totals_t    all;
    tlsrpt_totals_t   *days;

    tlsrpt_key_read_t  read;
};


tlsrpt_overview_t *
tlsrpt_overview_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    char               *p;
    size_t              ndays = (size_t) (query->to - query->from) + 1;
    tlsrpt_overview_t  *overview;

    overview = calloc(1, sizeof(*overview) + ndays * sizeof(*overview->days)
                         + domain.len + prefix.len + 2);

    if (overview == NULL) {
        return NULL;
    }

    overview->days = (tlsrpt_totals_t *) (overview + 1);
    p = (char *) (overview->days + ndays);
    memcpy(p, domain.data, domain.len);
    overview->domain.data = p;
    overview->domain.len = domain.len;

    p += domain.len + 1;
    memcpy(p, prefix.data, prefix.len);
    overview->prefix.data = p;
    overview->prefix.len = prefix.len;

    overview->from = query->from;
    overview->to = query->to;
    overview->nmonths = tlsrpt_months(query->from, query->to);

    return overview;
}


void
tlsrpt_overview_destroy(tlsrpt_overview_t *overview)
{
    free(overview);
}


size_t
tlsrpt_overview_ncommands(const tlsrpt_overview_t *overview)
{
    return 1 + overview->nmonths;
}


const tlsrpt_command_t *
tlsrpt_overview_command(tlsrpt_overview_t *overview, size_t n)
{
    if (n == 0) {
        tlsrpt_key_domain(&overview->read.key, overview->prefix,
                          overview->domain, "");
        return tlsrpt_key_read(&overview->read, "HGET", "all", 3);
    }

    tlsrpt_key_month(&overview->read.key, overview->prefix, overview->domain,
                     tlsrpt_nth_month(overview->from, n - 1));

    return tlsrpt_key_read(&overview->read, "HGETALL", NULL, 0);
}


int
tlsrpt_overview_add(tlsrpt_overview_t *overview, size_t n,
    const tlsrpt_reply_t *reply)
{
    if (n == 0) {
        overview->seen = tlsrpt_totals_parse(reply, &overview->all) == 0;

    } else {
        tlsrpt_totals_parse_month(reply,
                                  tlsrpt_nth_month(overview->from, n - 1),
                                  overview->from, overview->to, overview->days);
    }

    return TLSRPT_OK;
}


int
tlsrpt_overview_seen(const tlsrpt_overview_t *overview)
{
    return overview->seen;
}


/* The newest day with a report, or from - 1. */

static int32_t
newest_day(const tlsrpt_overview_t *overview)
{
    int32_t  day = overview->to;

    while (day >= overview->from
           && overview->days[day - overview->from].reports == 0)
    {
        day--;
    }

    return day;
}


static const char *
status(const tlsrpt_overview_t *overview)
{
    int32_t  newest = newest_day(overview);

    if (!overview->seen) {
        return NULL;
    }

    if (newest <= overview->to - SILENT_DAYS || newest < overview->from) {
        return "silent";
    }

    for (int32_t day = newest;
         day >= overview->from && day > newest - FAILING_DAYS;
         day--)
    {
        if (overview->days[day - overview->from].failed) {
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
    char             last[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_totals_t  sum = { 0, 0, 0, 0, 0 };

    for (int32_t i = 0; i <= overview->to - overview->from; i++) {
        sum.reports = tlsrpt_count_add(sum.reports, overview->days[i].reports);
        sum.successful = tlsrpt_count_add(sum.successful,
                                          overview->days[i].successful);
        sum.failed = tlsrpt_count_add(sum.failed, overview->days[i].failed);
    }

    tlsrpt_time_text(overview->all.last < TLSRPT_TIME_END
                     ? (int64_t) overview->all.last : TLSRPT_TIME_END - 1,
                     last);

    return json_pack("{s:s%, s:I, s:I, s:I, s:s?, s:s?}",
                     "domain", overview->domain.data, overview->domain.len,
                     "reports", (json_int_t) sum.reports,
                     "total-successful-session-count",
                     (json_int_t) sum.successful,
                     "total-failure-session-count", (json_int_t) sum.failed,
                     "last-report", overview->seen ? last : NULL,
                     "status", status(overview));
}
