/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_query.h"
#include "tlsrpt_rhythm.h"
#include "tlsrpt_status.h"


/* What is open is seen by so many days up to the newest report, as long as that
   is no more than so many days ago: as of a domain's problems, as far as totals
   tell. */
#define RECENT_DAYS      7
#define LAPSE_DAYS       14
/* Single sessions, "occasional": below both, on so many of these days. */
#define SINGLE_PERCENT   1
#define SINGLE_SESSIONS  20
#define SINGLE_DAYS      2
/* So many days with reports that have no failure, and it is over. */
#define CLEAN_DAYS       2


static const char *const  names[TLSRPT_NSTATUSES] = {
#define XX(name, text) text,
    TLSRPT_STATUS_MAP(XX)
#undef XX
};


const char *
tlsrpt_status_name(tlsrpt_status_t status)
{
    return names[status];
}


tlsrpt_status_t
tlsrpt_status_named(tlsrpt_str_t name)
{
    unsigned  i = 0;

    while (i < TLSRPT_NSTATUSES && !tlsrpt_str_is(name, names[i])) {
        i++;
    }

    return (tlsrpt_status_t) i;
}


/*
 * By totals
 */

/* last: 1 + the newest day with a report; 0: none. */

static int
is_silent(const tlsrpt_status_facts_t *f, size_t *last)
{
    const int32_t  came = tlsrpt_day_of(f->last < TLSRPT_TIME_END
                                        ? (int64_t) f->last
                                        : TLSRPT_TIME_END - 1);
    int            silent;
    unsigned char  days[TLSRPT_MAX_QUERY_DAYS];

    for (size_t i = 0; i < f->n; i++) {
        days[i] = f->days[i].reports > 0;
    }

    silent = tlsrpt_rhythm_is_silent(days, f->n, last);

    /* where no day has a report, it is when the last one came */
    return *last ? silent : came + TLSRPT_SILENT_DAYS <= f->today + 1;
}


static int
is_single(const tlsrpt_totals_t *day)
{
    return (double) day->failed * 100
           < ((double) day->successful + (double) day->failed) * SINGLE_PERCENT
           && day->failed < SINGLE_SESSIONS;
}


/* FAILING, OCCASIONAL or OK. */

static tlsrpt_status_t
failures(const tlsrpt_status_facts_t *f, size_t last)
{
    size_t  n = 0, first = last > RECENT_DAYS ? last - RECENT_DAYS : 0;
    int     single = 1;

    if (f->n - last > LAPSE_DAYS) {
        return TLSRPT_STATUS_OK;
    }

    for (size_t i = first; i < last; i++) {
        n += f->days[i].failed > 0;
        single &= f->days[i].failed == 0 || is_single(&f->days[i]);
    }

    return n == 0 ? TLSRPT_STATUS_OK
           : single && n <= SINGLE_DAYS ? TLSRPT_STATUS_OCCASIONAL
                                        : TLSRPT_STATUS_FAILING;
}


/* Do the newest days with reports have none that failed? */

static int
is_clean(const tlsrpt_status_facts_t *f, size_t last)
{
    unsigned  n = 0;

    for (size_t i = last; i > 0 && n < CLEAN_DAYS; i--) {
        if (f->days[i - 1].failed) {
            return 0;
        }

        n += f->days[i - 1].reports > 0;
    }

    return n == CLEAN_DAYS;
}


/*
 * By open problems
 */

/* Do sessions fail by it?  What a check alone shows lets none fail where it
   loses no mail: of records, or of what is to come. */

static int
is_failure(const char *type, const json_t *entry)
{
    const json_t  *problem = json_object_get(entry, "problem");
    const json_t  *check = json_object_get(json_object_get(problem, "via"),
                                           "check");
    const char    *lost = json_string_value(json_object_get(entry, "lost"));

    if (strcmp(type, "silence") == 0 || strcmp(type, "policy-not-found") == 0) {
        return 0;
    }

    return json_integer_value(check) == 0
           || json_integer_value(json_object_get(problem,
                                                 "failed-session-count")) > 0
           || (lost != NULL && strcmp(lost, "yes") == 0);
}


/* Of the whole domain, not of one sender: the one names it. */

static int
is_of_all(const json_t *entry)
{
    const json_t  *problem = json_object_get(entry, "problem");

    return json_array_size(json_object_get(problem, "organization-names"))
           == 0;
}


/* OK where it is of no weight. */

static tlsrpt_status_t
weight(const json_t *entry)
{
    const char  *type = json_string_value(json_object_get(entry, "type"));
    const char  *severity = json_string_value(json_object_get(entry,
                                                              "severity"));

    if (type == NULL || severity == NULL) {
        return TLSRPT_STATUS_OK;
    }

    if (strcmp(type, "silence") == 0 && is_of_all(entry)) {
        return TLSRPT_STATUS_SILENT;
    }

    if (strcmp(severity, "low") == 0) {
        return TLSRPT_STATUS_OK;
    }

    return is_failure(type, entry)
           ? TLSRPT_STATUS_FAILING : TLSRPT_STATUS_ATTENTION;
}


static tlsrpt_status_t
worst(const json_t *open)
{
    size_t           i;
    json_t          *entry;
    tlsrpt_status_t  status, first = TLSRPT_STATUS_OK;

    json_array_foreach((json_t *) open, i, entry) {
        status = weight(entry);
        first = status < first ? status : first;
    }

    return first;
}


/* What failed of late and is not open is single sessions, or has yet to settle,
   or is over. */

static tlsrpt_status_t
not_open(const tlsrpt_status_facts_t *f, size_t last)
{
    tlsrpt_status_t  status = failures(f, last);

    return status == TLSRPT_STATUS_FAILING
           ? is_clean(f, last) ? TLSRPT_STATUS_OK : TLSRPT_STATUS_OCCASIONAL
           : status;
}


tlsrpt_status_t
tlsrpt_status_of(const tlsrpt_status_facts_t *f)
{
    int              silent;
    size_t           last;
    tlsrpt_status_t  status = worst(f->open);

    if (status != TLSRPT_STATUS_OK) {
        return status;
    }

    if (!f->seen) {
        return TLSRPT_STATUS_WAITING;
    }

    silent = is_silent(f, &last);

    if (f->is_known) {
        return not_open(f, last);
    }

    status = failures(f, last);

    return silent && status != TLSRPT_STATUS_FAILING ? TLSRPT_STATUS_SILENT
                                                     : status;
}
