/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_conflicts.h"
#include "tlsrpt_csv.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_listing_scan.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_time.h"


/* The order of the list: newer days first; of one day, what came later first;
   of one second, by id.  The cursor tells the last report of a page by these
   three. */

#define CURSOR_LEN  64

typedef struct {
    tlsrpt_lookup_t         lookup;
    tlsrpt_reports_query_t  query;
    tlsrpt_listing_scan_t   listings;
    int                     waiting;        /* for a list */
    json_t                 *reports;
    int                     more;
    int                     headed;         /* the CSV */
    char                    next[CURSOR_LEN];
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


/* "RECEIVED.ID" */

static int
set_cursor(tlsrpt_reports_query_t *query, tlsrpt_str_t value)
{
    const char     *dot;
    tlsrpt_str_t    received, id;
    unsigned char   digest[TLSRPT_DIGEST_LEN];

    dot = value.len ? memchr(value.data, '.', value.len) : NULL;

    if (dot == NULL) {
        return -1;
    }

    received.data = value.data;
    received.len = (size_t) (dot - value.data);
    id.data = dot + 1;
    id.len = value.len - received.len - 1;

    query->after_received = number(received);

    if (query->after_received < 0
        || tlsrpt_id_parse(id.data, id.len, &query->after_day, digest) != 0)
    {
        return -1;
    }

    memcpy(query->after_id, id.data, id.len);
    query->after_id[id.len] = '\0';
    query->after = 1;

    return 0;
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

    if (reports != NULL) {
        json_decref(reports->reports);
        tlsrpt_listing_scan_free(&reports->listings);
        free(reports);
    }
}


static int
reports_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const tlsrpt_reports_t *) lookup)->listings.days.seen;
}


/* One day at a time: mostly the page is full before the range is over. */

static const tlsrpt_command_t *
reports_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;
    const tlsrpt_command_t  *command;

    if (reports->waiting || reports->more) {
        return NULL;
    }

    command = tlsrpt_listing_scan_next(&reports->listings, n);
    reports->waiting = command != NULL && *n > reports->listings.days.nmonths;

    return command;
}


/* Does the listing come after the last one of the page before? */

static int
is_after(const tlsrpt_reports_query_t *query, const tlsrpt_listing_t *listing)
{
    if (listing->received != query->after_received) {
        return listing->received < query->after_received;
    }

    return strcmp(listing->id, query->after_id) > 0;
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
is_wanted(const tlsrpt_reports_query_t *query, const tlsrpt_listing_t *listing,
    int32_t day)
{
    tlsrpt_str_t  via = { tlsrpt_listing_via(listing), 0 };

    via.len = strlen(via.data);

    if (query->after
        && (day > query->after_day
            || (day == query->after_day && !is_after(query, listing))))
    {
        return 0;
    }

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


/* Appends to the page; where it is full, notes the cursor. */

static int
append(tlsrpt_reports_t *reports, const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing)
{
    json_t  *json;

    if (!reports->query.whole
        && json_array_size(reports->reports) == reports->query.limit)
    {
        reports->more = 1;
        return 0;
    }

    snprintf(reports->next, CURSOR_LEN, "%" PRId64 ".%s", listing->received,
             listing->id);

    json = tlsrpt_listing_json(listing);

    if (json == NULL || tlsrpt_conflicts_set(json, list, listing) != 0) {
        json_decref(json);
        return -1;
    }

    return json_array_append_new(reports->reports, json);
}


static int
add_list(tlsrpt_reports_t *reports, int32_t day, const tlsrpt_reply_t *reply)
{
    int                rc;
    tlsrpt_day_list_t  list;

    rc = tlsrpt_day_list_read(&list, day, reply);

    for (size_t i = 0; rc == 0 && i < list.n && !reports->more; i++) {
        if (is_wanted(&reports->query, &list.listings[i], day)) {
            rc = append(reports, &list, &list.listings[i]);
        }
    }

    tlsrpt_day_list_free(&list);

    return rc;
}


static int
reports_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;
    int32_t  day;

    reports->waiting = 0;

    if (!tlsrpt_listing_scan_add(&reports->listings, n, reply, &day)
        || !is_day_wanted(&reports->query.query, day))
    {
        return TLSRPT_OK;
    }

    return add_list(reports, day, reply) == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


static json_t *
reports_json(tlsrpt_lookup_t *lookup)
{
    tlsrpt_reports_t  *reports = (tlsrpt_reports_t *) lookup;

    char  from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(reports->query.query.from, from);
    tlsrpt_day_text(reports->query.query.to, to);

    return json_pack("{s:s%, s:s, s:s, s:O, s:s?}",
                     "domain", reports->listings.days.domain.data,
                     reports->listings.days.domain.len, "from", from, "to", to,
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
        "warnings", "conflicts-with"
    };
    const size_t              n = sizeof(names) / sizeof(names[0]);
    tlsrpt_reports_t         *reports = (tlsrpt_reports_t *) lookup;
    size_t                    i;
    json_t                   *report;

    (void) at_end;

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

    if (reports->reports == NULL
        || tlsrpt_listing_scan_init(&reports->listings, &days, domain,
                                    prefix) != 0)
    {
        reports_destroy(&reports->lookup);
        return NULL;
    }

    return &reports->lookup;
}
