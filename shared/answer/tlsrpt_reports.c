/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_conflicts.h"
#include "tlsrpt_csv.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_listing_scan.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_time.h"


#define OTHERS  SIZE_MAX                    /* the number of a command */

/* The order of the list: newer days first; of one day, what came later first.
   The cursor is the id of the last report of a page. */

/* A report of the page that others have the name of. */
typedef struct {
    json_t            *json;                /* of the page */
    tlsrpt_listing_t   listing;
    int32_t            day;
} conflict_t;

typedef struct {
    tlsrpt_lookup_t         lookup;
    tlsrpt_reports_query_t  query;
    tlsrpt_listing_scan_t   scan;
    tlsrpt_listings_t      *listings;
    json_t                 *reports;
    int                     more;
    int                     headed;         /* the CSV */
    char                    next[TLSRPT_ID_LEN + 1];
    conflict_t              conflicts[TLSRPT_LISTING_PAGE];
    size_t                  nconflicts;     /* not told yet: the last first */
    size_t                  nlooked;        /* for others, in all */
    tlsrpt_namesakes_t         others;         /* of the last */
    int                     waiting;        /* for a reply on others */
} tlsrpt_reports_t;


/*
 * The query
 */

void
tlsrpt_reports_query_init(tlsrpt_reports_query_t *query, int64_t now)
{
    memset(query, 0, sizeof(*query));
    tlsrpt_query_init(&query->query, now);
    query->limit = TLSRPT_REPORTS_LIMIT;
}


/* A decimal number of few digits; -1: none. */

static int64_t
number(tlsrpt_str_t s)
{
    int64_t  value = 0;

    if (s.len == 0 || s.len > 12) {
        return -1;
    }

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return -1;
        }

        value = value * 10 + (s.data[i] - '0');
    }

    return value;
}


static int
set_cursor(tlsrpt_reports_query_t *query, tlsrpt_str_t value)
{
    query->after = tlsrpt_id_parse(value.data, value.len, &query->after_day,
                                   &query->after_index)
                   == 0;

    return query->after ? 0 : -1;
}


int
tlsrpt_reports_query_param(tlsrpt_reports_query_t *query, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    int64_t  limit;

    if (tlsrpt_param_is(name, "limit")) {
        limit = number(value);

        if (limit < 1 || limit > TLSRPT_REPORTS_MAX_LIMIT) {
            return tlsrpt_param_fail(error, name, "not a number from 1 to 500");
        }

        query->limit = (unsigned) limit;
        return TLSRPT_OK;
    }

    if (tlsrpt_param_is(name, "cursor")) {
        return set_cursor(query, value) == 0
               ? TLSRPT_OK
               : tlsrpt_param_fail(error, name, "not one given as next");
    }

    if (tlsrpt_param_is(name, "failures")) {
        query->failures_only = 1;
        return tlsrpt_param_is(value, "only")
               ? TLSRPT_OK : tlsrpt_param_fail(error, name, "not \"only\"");
    }

    if (tlsrpt_param_is(name, "struck")) {
        query->struck = 1;
        return tlsrpt_param_is(value, "yes")
               ? TLSRPT_OK : tlsrpt_param_fail(error, name, "not \"yes\"");
    }

    if (tlsrpt_param_is(name, "from") || tlsrpt_param_is(name, "to")
        || tlsrpt_param_is(name, "day")
        || tlsrpt_param_is(name, "organization-name")
        || tlsrpt_param_is(name, "via"))
    {
        return tlsrpt_query_param(&query->query, name, value, error);
    }

    return tlsrpt_param_unknown(error, name);
}


/*
 * Reading
 */

static void
reports_destroy(tlsrpt_lookup_t *lookup)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;

    if (reports == NULL) {
        return;
    }

    for (size_t i = 0; i < reports->nconflicts; i++) {
        json_decref(reports->conflicts[i].json);
        tlsrpt_listing_free(&reports->conflicts[i].listing);
    }

    tlsrpt_namesakes_free(&reports->others);
    json_decref(reports->reports);
    tlsrpt_listings_destroy(reports->listings);
    tlsrpt_listing_scan_free(&reports->scan);
    free(reports);
}


static int
reports_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const tlsrpt_reports_t *) lookup)->scan.days.seen;
}


/* How many are asked for at a time: what the page lacks, and one that says
   whether there is more; where not all are wanted, as many as may be. */

static size_t
page_size(const tlsrpt_reports_t *reports)
{
    const tlsrpt_reports_query_t  *q = &reports->query;

    return q->whole || q->failures_only || q->query.filtered
           ? TLSRPT_LISTING_PAGE
           : q->limit - json_array_size(reports->reports) + 1;
}


static const tlsrpt_command_t *
reports_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;
    tlsrpt_day_scan_t  *days = &reports->scan.days;

    if (reports->nconflicts == 0) {
        return reports->more ? NULL
               : tlsrpt_listing_scan_next(&reports->scan, page_size(reports),
                                          n);
    }

    if (reports->waiting) {
        return NULL;
    }

    reports->waiting = 1;
    *n = OTHERS;

    return tlsrpt_namesakes_next(&reports->others, &days->read, days->prefix,
                              days->domain);
}


static int
matches_text(const tlsrpt_query_t *query, unsigned dimension,
    tlsrpt_str_t value)
{
    return !(query->filtered & 1u << dimension)
           || (query->filter_len[dimension] == value.len
               && (value.len == 0
                   || memcmp(query->filter[dimension], value.data, value.len)
                      == 0));
}


static int
is_wanted(const tlsrpt_reports_query_t *query, const tlsrpt_listing_t *listing)
{
    tlsrpt_str_t  via = { tlsrpt_listing_via(listing), 0 };

    via.len = strlen(via.data);

    return (!query->failures_only || listing->failed)
           && matches_text(&query->query, TLSRPT_BY_ORGANIZATION,
                           listing->organization_name)
           && matches_text(&query->query, TLSRPT_BY_VIA, via);
}


static int
is_day_wanted(const tlsrpt_query_t *query, int32_t day)
{
    char          text[TLSRPT_DAY_TEXT_LEN + 1];
    tlsrpt_str_t  s = { text, TLSRPT_DAY_TEXT_LEN };

    tlsrpt_day_text(day, text);

    return matches_text(query, TLSRPT_BY_DAY, s);
}


/* Notes that others have the report's name. */

static int
note_conflict(tlsrpt_reports_t *reports, json_t *json,
    const tlsrpt_listing_t *listing, int32_t day)
{
    conflict_t  *c = &reports->conflicts[reports->nconflicts];

    if (!listing->conflicts || listing->report_id.data == NULL
        || reports->nlooked == TLSRPT_CONFLICTS_LIST)
    {
        return 0;
    }

    reports->nlooked++;
    reports->nconflicts++;
    c->json = json_incref(json);
    c->day = day;

    return tlsrpt_listing_keep(&c->listing, listing);
}


/* Appends to the page; where it is full, there is more. */

static int
append(tlsrpt_reports_t *reports, const tlsrpt_listing_t *listing, int32_t day)
{
    json_t  *json;

    if (!reports->query.whole
        && json_array_size(reports->reports) == reports->query.limit)
    {
        reports->more = 1;
        return 0;
    }

    memcpy(reports->next, listing->id, sizeof(reports->next));
    json = tlsrpt_listing_json(listing);

    return json == NULL || json_array_append_new(reports->reports, json) != 0
           ? -1 : note_conflict(reports, json, listing, day);
}


/* Is the entry one that need not be read to know that it is not wanted? */

static int
is_passed_over(const tlsrpt_reports_query_t *query,
    const tlsrpt_kept_head_t *head)
{
    return query->failures_only && head->failed == 0;
}


static int
add_entry(tlsrpt_reports_t *reports, const tlsrpt_kept_head_t *head,
    int32_t day)
{
    int               rc;
    tlsrpt_listing_t  listing;

    if (is_passed_over(&reports->query, head)) {
        return 0;
    }

    rc = tlsrpt_listing_read(reports->listings, &listing, day, head);

    if (rc == 1 && is_wanted(&reports->query, &listing)) {
        rc = append(reports, &listing, day);
    }

    tlsrpt_listing_free(&listing);

    return rc;
}


static void
look_for_others(tlsrpt_reports_t *reports)
{
    const conflict_t  *c;

    tlsrpt_namesakes_free(&reports->others);

    if (reports->nconflicts) {
        c = &reports->conflicts[reports->nconflicts - 1];
        tlsrpt_namesakes_init(&reports->others, &c->listing, c->day);
    }
}


static int
add_page(tlsrpt_reports_t *reports, const tlsrpt_reply_t *reply, size_t n,
    int32_t day)
{
    int                 rc = 0;
    tlsrpt_kept_head_t  head;

    for (size_t i = 0; rc >= 0 && i < n && !reports->more; i++) {
        if (tlsrpt_list_pages_head(&head, day, reply, i,
                                   reports->query.struck)
            == 0) {
            rc = add_entry(reports, &head, day);
        }
    }

    look_for_others(reports);

    return rc;
}


/* Tells them where all are known, and goes on with the report before. */

static int
add_others(tlsrpt_reports_t *reports, const tlsrpt_reply_t *reply)
{
    int          rc;
    conflict_t  *c = &reports->conflicts[reports->nconflicts - 1];

    reports->waiting = 0;
    rc = tlsrpt_namesakes_add(&reports->others, reports->listings, reply);

    if (rc != 0 || !tlsrpt_namesakes_is_over(&reports->others)) {
        return rc;
    }

    rc = tlsrpt_conflicts_set(c->json, reports->others.named,
                              reports->others.n);
    json_decref(c->json);
    tlsrpt_listing_free(&c->listing);
    reports->nconflicts--;
    look_for_others(reports);

    return rc;
}


static int
reports_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;
    int      rc, is_last;
    size_t   count;
    int32_t  day;

    if (n == OTHERS) {
        rc = add_others(reports, reply);

    } else {
        count = tlsrpt_listing_scan_add(&reports->scan, n, reply, &day,
                                        &is_last);
        rc = is_day_wanted(&reports->query.query, day)
             ? add_page(reports, reply, count, day) : 0;
    }

    return rc >= 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


static json_t *
reports_json(tlsrpt_lookup_t *lookup)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;

    char  from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(reports->query.query.from, from);
    tlsrpt_day_text(reports->query.query.to, to);

    return json_pack("{s:s%, s:s, s:s, s:O, s:s?}",
                     "domain", reports->scan.days.domain.data,
                     reports->scan.days.domain.len, "from", from, "to", to,
                     "reports", reports->reports,
                     "next", reports->more ? reports->next : NULL);
}


static int
reports_csv(tlsrpt_lookup_t *lookup, int at_end, tlsrpt_buf_t *out)
{
    static const char *const  names[] = {
        "id", "organization-name", "report-id", "start-datetime",
        "end-datetime", "received", "via", "signed-by",
        "total-successful-session-count", "total-failure-session-count",
        "warnings", "conflicts-with", "struck"
    };
    tlsrpt_reports_t         *reports = (tlsrpt_reports_t *) lookup;
    const size_t              n = sizeof(names) / sizeof(names[0])
                                  - !reports->query.struck;
    size_t                    i;
    json_t                   *report;

    (void) at_end;

    if (reports->nconflicts) {              /* the last lines lack something */
        return 0;
    }

    if (!reports->headed) {
        tlsrpt_csv_head(out, names, n);
        reports->headed = 1;
    }

    json_array_foreach(reports->reports, i, report) {
        tlsrpt_csv_line(out, names, n, report);
    }

    json_array_clear(reports->reports);

    return out->failed ? -1 : 0;
}


static const tlsrpt_lookup_type_t  reports_type = {
    reports_next, reports_add, reports_seen,
    reports_json, reports_csv, reports_destroy
};


tlsrpt_lookup_t *
tlsrpt_reports_create(const tlsrpt_reports_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    tlsrpt_query_t     days = query->query;
    tlsrpt_reports_t  *reports = calloc(1, sizeof(*reports));

    if (reports == NULL) {
        return NULL;
    }

    reports->lookup.type = &reports_type;

    reports->query = *query;

    if (query->whole) {
        reports->query.after = 0;

    } else if (query->after && query->after_day < days.to) {
        days.to = query->after_day < days.from ? days.from : query->after_day;
    }

    reports->reports = json_array();
    reports->listings = tlsrpt_listings_create(domain);

    if (tlsrpt_listing_scan_init(&reports->scan, &days, domain, prefix) != 0
        || reports->reports == NULL || reports->listings == NULL)
    {
        reports_destroy(&reports->lookup);
        return NULL;
    }

    reports->scan.every_day = query->struck;

    if (reports->query.after) {
        tlsrpt_listing_scan_from(&reports->scan, query->after_day,
                                 query->after_index);
    }

    return &reports->lookup;
}
