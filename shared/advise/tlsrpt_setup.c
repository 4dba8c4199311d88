/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_published.h"
#include "tlsrpt_seen.h"
#include "tlsrpt_setup.h"
#include "tlsrpt_time.h"


#define SEEN_NUMBER  ((size_t) -1)          /* no command of the scan's */
#define MAX_TEXT     512

typedef struct {
    tlsrpt_lookup_t     lookup;
    tlsrpt_day_scan_t   scan;
    tlsrpt_key_read_t   read;
    tlsrpt_seen_t       seen;               /* json NULL: never looked */
    json_t             *records;
    int                 is_served;
    tlsrpt_str_t        policy_id;          /* a copy, behind the struct */
    int                 mode;
    int                 is_pending;
    int                 steps;
    int64_t             now;
    int64_t             since;
    size_t              first;              /* day that the viewer sees */
    int                 asked;
} setup_t;


static void
setup_destroy(tlsrpt_lookup_t *lookup)
{
    setup_t  *s = (setup_t *) lookup;

    tlsrpt_day_scan_free(&s->scan);
    tlsrpt_seen_free(&s->seen);
    json_decref(s->records);
    free(s);
}


static const tlsrpt_command_t *
setup_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    setup_t  *s = (setup_t *) lookup;

    if (!s->asked) {
        s->asked = 1;
        *n = SEEN_NUMBER;
        tlsrpt_key_domain(&s->read.key, s->scan.prefix, s->scan.domain,
                          TLSRPT_SEEN_KEY);

        return tlsrpt_key_read(&s->read, "GET", NULL, 0);
    }

    return s->steps && !s->is_pending
           ? tlsrpt_day_scan_next_totals(&s->scan, n) : NULL;
}


static int
setup_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    setup_t  *s = (setup_t *) lookup;

    if (n != SEEN_NUMBER) {
        return tlsrpt_day_scan_add(&s->scan, n, reply) == 0
               ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
    }

    /* what cannot be read tells nothing */
    if (reply->type == TLSRPT_REPLY_STRING) {
        const tlsrpt_str_t  text = { reply->str, reply->len };

        if (tlsrpt_seen_read(text, &s->seen) != 0) {
            memset(&s->seen, 0, sizeof(s->seen));
        }
    }

    return TLSRPT_OK;
}


static int
setup_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const setup_t *) lookup)->scan.seen;
}


/*
 * Records
 */

static int
add_verdict(json_t *record, tlsrpt_verdict_t *v)
{
    json_t  *now = tlsrpt_published_json(v);
    int      rc = now ? json_object_update(record, now) : -1;

    json_decref(now);

    return rc;
}


static json_t *
records_json(setup_t *s)
{
    size_t      i;
    json_t     *record;
    tlsrpt_verdict_t  v;

    json_array_foreach(json_object_get(s->records, "records"), i, record) {
        tlsrpt_published_record(&s->seen, s->now, record, &v);

        if (add_verdict(record, &v) != 0) {
            return NULL;
        }
    }

    return json_incref(s->records);
}


/*
 * Steps
 */

static int
add_step(json_t *steps, const char *step, const char *state, const char *text,
    json_t *record, int64_t checked)
{
    json_t  *json = json_pack("{s:s, s:s, s:s}", "step", step, "state", state,
                              "text", text);
    int      rc = json ? 0 : -1;

    if (rc == 0 && record != NULL) {
        rc = json_object_set(json, "record", record);
    }

    if (rc == 0 && checked) {
        rc = json_object_set_new(json, "checked",
                                 tlsrpt_published_time(checked));
    }

    if (rc != 0) {
        json_decref(json);
        return -1;
    }

    return json_array_append_new(steps, json);
}


static json_t *
record_named(const setup_t *s, const char *prefix)
{
    size_t   i;
    json_t  *record;

    json_array_foreach(json_object_get(s->records, "records"), i, record) {
        const char  *name = json_string_value(json_object_get(record, "name"));

        if (strncmp(name, prefix, strlen(prefix)) == 0) {
            return record;
        }
    }

    return NULL;
}


static int
add_record_step(const setup_t *s, json_t *steps, const char *step,
    const char *prefix, const char *done, const char *todo)
{
    json_t      *record = record_named(s, prefix);
    tlsrpt_verdict_t  v;
    const char  *state = "unknown", *text = v.reason;

    if (record == NULL) {
        return add_step(steps, step, "todo", todo, NULL, 0);
    }

    tlsrpt_published_record(&s->seen, s->now, record, &v);
    json_decref(v.found);

    if (strcmp(v.state, "published") == 0) {
        state = "done";
        text = done;

    } else if (strcmp(v.state, "missing") == 0) {
        state = "todo";
        text = "Publish this record: DNS does not show it yet.";

    } else if (strcmp(v.state, "unknown") != 0) {
        state = "wrong";
    }

    return add_step(steps, step, state, text, record, v.checked);
}


/* Since the domain is the viewer's, or ever. */

static int
has_reports(const setup_t *s)
{
    int  any = s->since == 0 && s->scan.all.reports;

    for (size_t i = s->first; i < s->scan.ndays && !any; i++) {
        any = s->scan.days[i].reports > 0;
    }

    return any;
}


static int
add_reports_step(const setup_t *s, json_t *steps)
{
    if (s->is_pending) {
        return add_step(steps, "first-report", "todo", "Reports are counted "
                        "from when the domain is proved to be yours.", NULL,
                        0);
    }

    return has_reports(s)
           ? add_step(steps, "first-report", "done", "Reports come.", NULL, 0)
           : add_step(steps, "first-report", "todo", "Wait for the first "
                      "report: senders send one for each day on which they "
                      "sent mail, mostly in the following night.", NULL, 0);
}


static int
add_host_step(const setup_t *s, json_t *steps)
{
    tlsrpt_verdict_t           v;
    tlsrpt_published_policy_t  policy = { s->scan.domain, s->policy_id,
                                          s->mode };

    if (!s->is_served) {
        return add_step(steps, "policy-host", "todo", "First a policy is to "
                        "be served.", NULL, 0);
    }

    tlsrpt_published_host(&s->seen, s->now, &policy, &v);

    if (strcmp(v.state, "published") == 0) {
        return add_step(steps, "policy-host", "done", "The policy can be "
                        "fetched as senders do, and the certificate is "
                        "trusted.", NULL, v.checked);
    }

    return add_step(steps, "policy-host",
                    strcmp(v.state, "unknown") == 0 ? "unknown" : "wrong",
                    v.reason, NULL, v.checked);
}


/* Days with reports since the last one on which a session failed. */

static unsigned
clean_days(const setup_t *s, unsigned *failing)
{
    unsigned  n = 0;

    *failing = 0;

    for (size_t i = s->scan.ndays; i > s->first; i--) {
        const tlsrpt_totals_t  *day = &s->scan.days[i - 1];

        if (day->failed) {
            *failing = 1;
            break;
        }

        n += day->reports > 0;
    }

    return n;
}


static int
add_last_steps(const setup_t *s, json_t *steps)
{
    char      text[MAX_TEXT];
    unsigned  failing, n = s->is_pending ? 0 : clean_days(s, &failing);
    int       is_clean = n >= TLSRPT_SETUP_CLEAN_DAYS;

    snprintf(text, sizeof(text), "%u of %d days with reports and without a "
             "failure.", n, TLSRPT_SETUP_CLEAN_DAYS);

    if (add_step(steps, "days-clean", is_clean ? "done" : "todo", text, NULL,
                 0) != 0)
    {
        return -1;
    }

    if (s->is_served && s->mode == MTA_STS_ENFORCE) {
        return add_step(steps, "enforce", "done", "The policy is enforced.",
                        NULL, 0);
    }

    return add_step(steps, "enforce", "todo", is_clean && s->is_served
                    ? "Change the policy to mode enforce."
                    : "Later: change the policy to mode enforce when the "
                      "steps above are done.", NULL, 0);
}


static json_t *
steps_json(const setup_t *s)
{
    json_t  *steps = json_array();

    if (steps == NULL
        || add_record_step(s, steps, "reporting-record", "_smtp._tls.",
               "Senders are asked for reports.", "This server does not know "
               "under which address it takes reports: tlsrpt_report_uri.") != 0
        || add_reports_step(s, steps) != 0
        || add_step(steps, "policy-served", s->is_served ? "done" : "todo",
               s->is_served ? "This server has a policy for the domain."
               : "Give the domain a policy, first in mode testing.", NULL, 0)
           != 0
        || add_host_step(s, steps) != 0
        || add_record_step(s, steps, "sts-record", "_mta-sts.",
               "Senders are told of the policy, by its id.", "First a policy "
               "is to be served.") != 0
        || add_last_steps(s, steps) != 0)
    {
        json_decref(steps);
        return NULL;
    }

    return json_pack("{s:s%, s:o}", "domain", s->scan.domain.data,
                     s->scan.domain.len, "steps", steps);
}


static json_t *
setup_json(tlsrpt_lookup_t *lookup)
{
    setup_t  *s = (setup_t *) lookup;

    return s->steps ? steps_json(s) : records_json(s);
}


static const tlsrpt_lookup_type_t  setup_type = {
    setup_next, setup_add, setup_seen, setup_json, NULL, setup_destroy
};


/* That the viewer sees, of the range. */

static size_t
first_day(const tlsrpt_query_t *query, int64_t since)
{
    const int32_t  day = tlsrpt_day_of(since);

    return since && day > query->from ? (size_t) (day - query->from) : 0;
}


tlsrpt_lookup_t *
tlsrpt_setup_create(const tlsrpt_setup_ask_t *ask)
{
    setup_t         *s = calloc(1, sizeof(*s) + ask->policy_id.len + 1);
    char            *end = (char *) (s + 1);
    tlsrpt_query_t  *query = calloc(1, sizeof(*query));
    int              rc = -1;

    if (s != NULL && query != NULL && ask->records != NULL) {
        s->lookup.type = &setup_type;
        s->is_served = ask->policy_id.data != NULL;
        s->policy_id = tlsrpt_str_copy(&end, ask->policy_id);
        s->mode = ask->mode;
        s->is_pending = ask->is_pending;
        s->steps = ask->steps;
        s->now = ask->now;
        s->since = ask->since;

        tlsrpt_query_init(query, ask->now);
        rc = tlsrpt_day_scan_init(&s->scan, query, ask->domain, ask->prefix);
        s->first = first_day(query, ask->since);
    }

    free(query);

    if (rc != 0) {
        json_decref(ask->records);
        free(s);
        return NULL;
    }

    s->records = ask->records;

    return &s->lookup;
}
