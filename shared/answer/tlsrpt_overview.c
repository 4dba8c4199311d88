/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"
#include "tlsrpt_overview.h"
#include "tlsrpt_state.h"


/*
 * Command 0 is the domain's hash, then come the months of the range, then those
 * of the days up to now where the range ends before them; the state is last,
 * where the hash says that something is open.
 */

struct tlsrpt_overview {
    tlsrpt_day_scan_t  scan;                /* its days, not its day logs */
    tlsrpt_day_scan_t  now;                 /* those up to now, unless these
                                               are among those: no days */
    int32_t            from;                /* the range */
    int32_t            to;
    int32_t            today;
    int                by_day;

    size_t             next;                /* command */
    size_t             pending;             /* replies */
    unsigned           asks_state:1;
    unsigned           is_known:1;          /* what is open */
    tlsrpt_state_t     state;
    tlsrpt_key_read_t  read;
};


/* The days up to now are read with the range where they touch it. */

static int
init_scans(tlsrpt_overview_t *o, tlsrpt_query_t query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    const int32_t  recent = query.today - (TLSRPT_DEFAULT_DAYS - 1);

    if (query.to >= recent - 1 && query.from <= query.today + 1) {
        query.from = query.from < recent ? query.from : recent;
        query.to = query.to > query.today ? query.to : query.today;
        return tlsrpt_day_scan_init(&o->scan, &query, domain, prefix);
    }

    if (tlsrpt_day_scan_init(&o->scan, &query, domain, prefix) != 0) {
        return -1;
    }

    query.from = recent;
    query.to = query.today;

    return tlsrpt_day_scan_init(&o->now, &query, domain, prefix);
}


tlsrpt_overview_t *
tlsrpt_overview_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    tlsrpt_query_t      range = *query;
    tlsrpt_overview_t  *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        return NULL;
    }

    /* what is over the retention is not asked for */
    if (range.from < range.oldest) {
        range.from = range.oldest < range.to ? range.oldest : range.to;
    }

    o->from = range.from;
    o->to = range.to;
    o->today = range.today;
    o->by_day = tlsrpt_query_groups_by(query, TLSRPT_BY_DAY);

    if (init_scans(o, range, domain, prefix) != 0) {
        tlsrpt_overview_destroy(o);
        return NULL;
    }

    return o;
}


void
tlsrpt_overview_destroy(tlsrpt_overview_t *o)
{
    if (o != NULL) {
        tlsrpt_state_free(&o->state);
        tlsrpt_day_scan_free(&o->scan);
        tlsrpt_day_scan_free(&o->now);
        free(o);
    }
}


/*
 * Commands
 */

static size_t
state_number(const tlsrpt_overview_t *o)
{
    return 1 + o->scan.nmonths + o->now.nmonths;
}


/* "all", the totals, and "p", the mark of its state. */

static const tlsrpt_command_t *
ask_domain(tlsrpt_overview_t *o)
{
    tlsrpt_key_domain(&o->read.key, o->scan.prefix, o->scan.domain, "");
    tlsrpt_key_ask(&o->read, "HMGET");
    tlsrpt_key_ask_for(&o->read, "all", 3);
    tlsrpt_key_ask_for(&o->read, "p", 1);

    return &o->read.command;
}


static const tlsrpt_command_t *
ask_state(tlsrpt_overview_t *o)
{
    tlsrpt_key_domain(&o->read.key, o->scan.prefix, o->scan.domain,
                      TLSRPT_STATE_KEY);

    return tlsrpt_key_read(&o->read, "GET", NULL, 0);
}


int
tlsrpt_overview_asks(const tlsrpt_overview_t *o)
{
    return o->asks_state || o->next < state_number(o);
}


const tlsrpt_command_t *
tlsrpt_overview_next(tlsrpt_overview_t *o, size_t *n)
{
    if (!tlsrpt_overview_asks(o)) {
        return NULL;
    }

    o->pending++;

    if (o->next == state_number(o)) {
        o->asks_state = 0;
        *n = o->next;
        return ask_state(o);
    }

    *n = o->next++;

    if (*n == 0) {
        return ask_domain(o);
    }

    return *n <= o->scan.nmonths
           ? tlsrpt_day_scan_totals(&o->scan, *n)
           : tlsrpt_day_scan_totals(&o->now, *n - o->scan.nmonths);
}


/*
 * Replies
 */

static int
take_domain(tlsrpt_overview_t *o, const tlsrpt_reply_t *reply)
{
    unsigned  rules, open;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2) {
        return 0;
    }

    if (tlsrpt_state_mark(reply->elements[1], &rules, &open) == 0) {
        o->is_known = open == 0;
        o->asks_state = open > 0;

    /* of what only checks know there is no mark */
    } else if (reply->elements[0]->type != TLSRPT_REPLY_STRING) {
        o->asks_state = 1;
    }

    return tlsrpt_day_scan_add(&o->scan, 0, reply->elements[0]);
}


/* Where it cannot be read, what is open is not known. */

static int
take_state(tlsrpt_overview_t *o, const tlsrpt_reply_t *reply)
{
    if (tlsrpt_state_read(reply, &o->state) != 0) {
        return -1;
    }

    o->is_known = o->state.json != NULL;

    return 0;
}


int
tlsrpt_overview_add(tlsrpt_overview_t *o, size_t n,
    const tlsrpt_reply_t *reply)
{
    int  rc;

    o->pending--;

    if (n == 0) {
        rc = take_domain(o, reply);

    } else if (n == state_number(o)) {
        rc = take_state(o, reply);

    } else if (n <= o->scan.nmonths) {
        rc = tlsrpt_day_scan_add(&o->scan, n, reply);

    } else {
        rc = tlsrpt_day_scan_add(&o->now, n - o->scan.nmonths, reply);
    }

    return rc == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


int
tlsrpt_overview_is_done(const tlsrpt_overview_t *o)
{
    return o->pending == 0 && !tlsrpt_overview_asks(o);
}


int
tlsrpt_overview_seen(const tlsrpt_overview_t *o)
{
    return o->scan.seen;
}


/*
 * The line
 */

/* NULL: not known. */

static const json_t *
open_problems(const tlsrpt_overview_t *o)
{
    return o->state.json != NULL ? json_object_get(o->state.json, "open")
                                 : NULL;
}


/* Of the worst one; NULL: none is open, or it is not known. */

static const char *
title(const tlsrpt_overview_t *o)
{
    const json_t  *worst = tlsrpt_state_worst(&o->state);

    return worst != NULL ? tlsrpt_state_title(worst) : NULL;
}


tlsrpt_status_t
tlsrpt_overview_status(const tlsrpt_overview_t *o)
{
    const tlsrpt_day_scan_t  *scan = o->now.days != NULL ? &o->now : &o->scan;
    const int32_t             recent = o->today - (TLSRPT_DEFAULT_DAYS - 1);

    tlsrpt_status_facts_t  facts = {
        .seen = o->scan.seen, .last = o->scan.all.last, .today = o->today,
        .days = scan->days + (recent - scan->from), .n = TLSRPT_DEFAULT_DAYS,
        .is_known = o->is_known, .open = open_problems(o)
    };

    return tlsrpt_status_of(&facts);
}


const char *const  tlsrpt_overview_names[TLSRPT_OVERVIEW_NAMES] = {
    "domain", "reports", "total-successful-session-count",
    "total-failure-session-count", "last-report", "status", "problem-title",
    "lost-mail", "policy-mode"
};


static json_t *
day_json(int32_t day, const tlsrpt_totals_t *totals)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    return json_pack("{s:s, s:I, s:I, s:I}", "day", text,
                     "reports", (json_int_t) totals->reports,
                     "total-successful-session-count",
                     (json_int_t) totals->successful,
                     "total-failure-session-count",
                     (json_int_t) totals->failed);
}


/* Those of the range that have reports. */

static json_t *
days_json(const tlsrpt_overview_t *o)
{
    json_t  *array = json_array();

    for (int32_t day = o->from; array != NULL && day <= o->to; day++) {
        const tlsrpt_totals_t  *totals = &o->scan.days[day - o->scan.from];

        if (totals->reports
            && json_array_append_new(array, day_json(day, totals)) != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


json_t *
tlsrpt_overview_json(const tlsrpt_overview_t *o, const char *policy_mode)
{
    char                      last[TLSRPT_TIME_TEXT_LEN + 1];
    json_t                   *json;
    tlsrpt_totals_t           sum = { 0, 0, 0, 0, 0 };
    const tlsrpt_day_scan_t  *scan = &o->scan;

    for (int32_t day = o->from; day <= o->to; day++) {
        tlsrpt_totals_add(&sum, &scan->days[day - scan->from]);
    }

    tlsrpt_time_text(scan->all.last < TLSRPT_TIME_END
                     ? (int64_t) scan->all.last : TLSRPT_TIME_END - 1,
                     last);

    json = json_pack("{s:s%, s:I, s:I, s:I, s:s?, s:s, s:s?, s:s?, s:s?}",
                     "domain", scan->domain.data, scan->domain.len,
                     "reports", (json_int_t) sum.reports,
                     "total-successful-session-count",
                     (json_int_t) sum.successful,
                     "total-failure-session-count", (json_int_t) sum.failed,
                     "last-report", scan->seen ? last : NULL,
                     "status", tlsrpt_status_name(tlsrpt_overview_status(o)),
                     "problem-title", title(o),
                     "lost-mail", o->is_known ? tlsrpt_state_lost(&o->state)
                                              : NULL,
                     "policy-mode", policy_mode);

    if (json != NULL && o->by_day
        && json_object_set_new(json, "by-day", days_json(o)) != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}
