/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_fold.h"
#include "tlsrpt_key.h"
#include "tlsrpt_month.h"
#include "tlsrpt_totals.h"


/* How far back from the newest day of the range reports may be and the domain
   is not "silent": reports on a day come on the next one. */
#define SILENT_DAYS   3
/* And how many days up to the newest report "failing" looks at. */
#define FAILING_DAYS  7

struct tlsrpt_totals {
    int32_t               from;
    int32_t               to;
    tlsrpt_str_t          prefix;           /* copies, behind the struct */
    tlsrpt_str_t          domain;
    size_t                nmonths;
    int                   seen;
    tlsrpt_day_totals_t   all;
    tlsrpt_day_totals_t  *days;

    tlsrpt_key_read_t     read;
};


tlsrpt_totals_t *
tlsrpt_totals_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    char             *p;
    size_t            ndays = (size_t) (query->to - query->from) + 1;
    tlsrpt_totals_t  *totals;

    totals = calloc(1, sizeof(*totals) + ndays * sizeof(*totals->days)
                       + domain.len + prefix.len + 2);

    if (totals == NULL) {
        return NULL;
    }

    totals->days = (tlsrpt_day_totals_t *) (totals + 1);
    p = (char *) (totals->days + ndays);
    memcpy(p, domain.data, domain.len);
    totals->domain.data = p;
    totals->domain.len = domain.len;

    p += domain.len + 1;
    memcpy(p, prefix.data, prefix.len);
    totals->prefix.data = p;
    totals->prefix.len = prefix.len;

    totals->from = query->from;
    totals->to = query->to;
    totals->nmonths = tlsrpt_months(query->from, query->to);

    return totals;
}


void
tlsrpt_totals_destroy(tlsrpt_totals_t *totals)
{
    free(totals);
}


size_t
tlsrpt_totals_ncommands(const tlsrpt_totals_t *totals)
{
    return 1 + totals->nmonths;
}


const tlsrpt_command_t *
tlsrpt_totals_command(tlsrpt_totals_t *totals, size_t n)
{
    if (n == 0) {
        tlsrpt_key_domain(&totals->read.key, totals->prefix, totals->domain,
                          "");
        return tlsrpt_key_read(&totals->read, "HGET", "all", 3);
    }

    tlsrpt_key_month(&totals->read.key, totals->prefix, totals->domain,
                     tlsrpt_nth_month(totals->from, n - 1));

    return tlsrpt_key_read(&totals->read, "HGETALL", NULL, 0);
}


int
tlsrpt_totals_add(tlsrpt_totals_t *totals, size_t n,
    const tlsrpt_reply_t *reply)
{
    if (n == 0) {
        totals->seen = tlsrpt_totals_parse(reply, &totals->all) == 0;

    } else {
        tlsrpt_month_parse(reply, tlsrpt_nth_month(totals->from, n - 1),
                           totals->from, totals->to, totals->days);
    }

    return TLSRPT_OK;
}


int
tlsrpt_totals_seen(const tlsrpt_totals_t *totals)
{
    return totals->seen;
}


/* The newest day with a report, or from - 1. */

static int32_t
newest_day(const tlsrpt_totals_t *totals)
{
    int32_t  day = totals->to;

    while (day >= totals->from && totals->days[day - totals->from].reports == 0)
    {
        day--;
    }

    return day;
}


static const char *
status(const tlsrpt_totals_t *totals)
{
    int32_t  newest = newest_day(totals);

    if (!totals->seen) {
        return NULL;
    }

    if (newest <= totals->to - SILENT_DAYS || newest < totals->from) {
        return "silent";
    }

    for (int32_t day = newest;
         day >= totals->from && day > newest - FAILING_DAYS;
         day--)
    {
        if (totals->days[day - totals->from].failure) {
            return "failing";
        }
    }

    return "ok";
}


json_t *
tlsrpt_totals_json(const tlsrpt_totals_t *totals)
{
    char                 last[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_day_totals_t  sum = { 0, 0, 0, 0, 0 };

    for (int32_t i = 0; i <= totals->to - totals->from; i++) {
        sum.reports = tlsrpt_count_add(sum.reports, totals->days[i].reports);
        sum.successful = tlsrpt_count_add(sum.successful,
                                          totals->days[i].successful);
        sum.failure = tlsrpt_count_add(sum.failure, totals->days[i].failure);
    }

    tlsrpt_time_text(totals->all.last < TLSRPT_TIME_END
                     ? (int64_t) totals->all.last : TLSRPT_TIME_END - 1, last);

    return json_pack("{s:s%, s:I, s:I, s:I, s:s?, s:s?}",
                     "domain", totals->domain.data, totals->domain.len,
                     "reports", (json_int_t) sum.reports,
                     "total-successful-session-count",
                     (json_int_t) sum.successful,
                     "total-failure-session-count", (json_int_t) sum.failure,
                     "last-report", totals->seen ? last : NULL,
                     "status", status(totals));
}
