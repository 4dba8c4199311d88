/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Of which days the lists are read to find reports in conflict.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_conflicts.h"

#define DAY  20468                          /* 2026-01-15 */

static tlsrpt_conflict_days_t  days;
static tlsrpt_day_scan_t       scan;


static void
next_is(const char *key, const char *name)
{
    tlsrpt_reply_t           empty = { .type = TLSRPT_REPLY_ARRAY };
    const tlsrpt_command_t  *c = tlsrpt_conflict_days_next(&days, &scan);

    is_str(c ? c->argv[1] : NULL, key, "%s", name);

    if (c != NULL) {
        ok(tlsrpt_conflict_days_next(&days, &scan) == NULL, "one at a time");
        is_int(tlsrpt_conflict_days_add(&days, &scan, &empty), 0, "read");
    }
}


int
main(void)
{
    tlsrpt_query_t  query;

    tlsrpt_query_init(&query, NOW);
    query.from = DAY;
    query.to = DAY + 4;

    if (tlsrpt_day_scan_init(&scan, &query, str("example.com"), str("t")) != 0
        || tlsrpt_conflict_days_init(&days, scan.ndays,
                                     str("example.com")) != 0)
    {
        return 1;
    }

    for (size_t i = 0; i < 4; i++) {
        tlsrpt_conflict_days_note(&days, i);
        scan.days[i].reports = 2;
    }

    scan.days[1].reports = TLSRPT_CONFLICTS_LIST + 1;
    scan.days[2].reports = TLSRPT_CONFLICTS_LIST;

    next_is("t:{example.com}:2026-01-18:kept", "the newest day first");
    next_is("t:{example.com}:2026-01-17:kept", "a list of a thousand");
    next_is("t:{example.com}:2026-01-15:kept", "none of more than that");
    next_is(NULL, "nor of a day on which nobody reported twice");
    next_is(NULL, "that was all");

    tlsrpt_conflict_days_free(&days);
    tlsrpt_day_scan_free(&scan);

    return done();
}
