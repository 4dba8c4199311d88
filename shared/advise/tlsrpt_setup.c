/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_day_scan.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_seen.h"
#include "tlsrpt_setup.h"
#include "tlsrpt_time.h"


#define SEEN_NUMBER  ((size_t) -1)          /* no command of the scan's */
#define STALE        (3 * TLSRPT_DAY)       /* a look that tells of now */
#define MAX_TEXT     512

typedef struct {
    tlsrpt_lookup_t     lookup;
    tlsrpt_day_scan_t   scan;
    tlsrpt_key_read_t   read;
    tlsrpt_seen_t       seen;               /* json NULL: never looked */
    json_t             *records;
    int                 is_served;
    int                 mode;
    int                 is_pending;
    int                 steps;
    int64_t             now;
    int64_t             since;
    size_t              first;              /* day that the viewer sees */
    int                 asked;
} setup_t;

/* What is said of one record or step. */
typedef struct {
    const char  *state;
    char         reason[MAX_TEXT];          /* "": nothing */
    json_t      *found;                     /* NULL: none */
    int64_t      checked;
} verdict_t;


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

static json_t *
time_json(int64_t seconds)
{
    char  text[TLSRPT_TIME_TEXT_LEN + 1];

    if (seconds <= 0 || seconds >= TLSRPT_TIME_END) {
        return json_null();
    }

    tlsrpt_time_text(seconds, text);

    return json_string(text);
}


/* Is it not known what is there now? */

static int
is_unknown(const setup_t *s, const tlsrpt_look_t *look, verdict_t *v)
{
    v->checked = look->at;

    if (look->at == 0) {
        snprintf(v->reason, MAX_TEXT, "No check has looked at it yet.");

    } else if (look->error.len) {
        snprintf(v->reason, MAX_TEXT, "The last look failed: %.*s",
                 (int) (look->error.len < 200 ? look->error.len : 200),
                 look->error.data);

    } else if (s->now - look->at > STALE) {
        snprintf(v->reason, MAX_TEXT, "The last look is days ago.");

    } else {
        return 0;
    }

    return 1;
}


/* Records of this version; others of the name are discarded (RFC 8460 3, RFC
   8461 3.1). */

static json_t *
records_of(const tlsrpt_look_t *look, const char *version)
{
    json_t  *found = json_array();

    for (size_t i = 0; i < look->ntxt; i++) {
        if (tlsrpt_str_begins(look->txt[i], version)) {
            json_array_append_new(found, json_stringn(look->txt[i].data,
                                                      look->txt[i].len));
        }
    }

    return found;
}


/* Does the one list hold all of the other? */

static int
holds_all(const json_t *list, const json_t *wanted)
{
    size_t  i, k, hits = 0;
    json_t  *want, *one;

    json_array_foreach((json_t *) wanted, i, want) {
        json_array_foreach((json_t *) list, k, one) {
            if (json_equal(one, want)) {
                hits++;
                break;
            }
        }
    }

    return hits == json_array_size(wanted);
}


/* Is what was found as good as what is wanted: the same id, or all of our
   addresses among its own? */

static int
is_as_wanted(const json_t *found, const json_t *wanted, int is_sts)
{
    int      same;
    json_t  *one = tlsrpt_dns_check(json_string_value(found),
                                    json_string_length(found));
    json_t  *two = tlsrpt_dns_check(json_string_value(wanted),
                                    json_string_length(wanted));

    same = json_equal(found, wanted)
           || (!is_sts && json_is_true(json_object_get(one, "valid"))
               && holds_all(json_object_get(one, "rua"),
                            json_object_get(two, "rua")));

    json_decref(one);
    json_decref(two);

    return same;
}


static void
judge_text(const setup_t *s, const tlsrpt_look_t *look, const json_t *wanted,
    int is_sts, verdict_t *v)
{
    size_t  n;

    v->found = records_of(look, is_sts ? "v=STSv1" : "v=TLSRPTv1");
    n = json_array_size(v->found);

    if (is_unknown(s, look, v)) {
        return;
    }

    if (n == 0) {
        v->state = "missing";
        snprintf(v->reason, MAX_TEXT, "DNS shows no such record.");

    } else if (n > 1) {
        v->state = "several";
        snprintf(v->reason, MAX_TEXT, "Where there are several, senders use "
                 "none of them (RFC %s): delete all but one.",
                 is_sts ? "8461 3.1" : "8460 3");

    } else if (is_as_wanted(json_array_get(v->found, 0), wanted, is_sts)) {
        v->state = "published";

    } else {
        v->state = "different";
        snprintf(v->reason, MAX_TEXT, is_sts
                 ? "Its id is not that of the policy that is served: senders "
                   "go on with the policy they have."
                 : "It does not name all of this server's addresses: reports "
                   "go elsewhere.");
    }
}


/* An alias into the provider's zone. */

static void
judge_alias(const setup_t *s, const tlsrpt_look_t *look, const json_t *wanted,
    verdict_t *v)
{
    size_t  len = json_string_length(wanted);

    v->found = json_array();

    if (look->alias.len) {
        json_array_append_new(v->found, json_stringn(look->alias.data,
                                                     look->alias.len));
    }

    if (is_unknown(s, look, v)) {
        return;
    }

    /* the value ends in a dot */
    if (len && look->alias.len == len - 1
        && memcmp(look->alias.data, json_string_value(wanted), len - 1) == 0)
    {
        v->state = "published";

    } else {
        v->state = look->alias.len || look->ntxt ? "different" : "missing";
        snprintf(v->reason, MAX_TEXT, look->alias.len || look->ntxt
                 ? "It does not lead to this record's value."
                 : "DNS shows no such record.");
    }
}


static void
add_all(json_t *found, const json_t *list)
{
    size_t   i;
    json_t  *one;

    json_array_foreach((json_t *) list, i, one) {
        if (json_is_string(one) && json_array_size(found) < TLSRPT_SEEN_TXT) {
            json_array_append(found, one);
        }
    }
}


/* The policy host: by an alias or by addresses of its own; whether it answers
   with the policy is the policy's. */

static void
judge_host(const setup_t *s, verdict_t *v)
{
    const json_t   *host = json_object_get(s->seen.json, "host");
    const json_t   *error = json_object_get(host, "error");
    tlsrpt_look_t   look;

    memset(&look, 0, sizeof(look));
    look.at = json_integer_value(json_object_get(host, "at"));
    look.error.data = json_string_value(error);
    look.error.len = json_string_length(error);

    v->found = json_array();
    add_all(v->found, json_object_get(host, "cname"));
    add_all(v->found, json_object_get(host, "a"));
    add_all(v->found, json_object_get(host, "aaaa"));

    if (is_unknown(s, &look, v)) {
        return;
    }

    if (json_array_size(json_object_get(host, "a"))
        + json_array_size(json_object_get(host, "aaaa")))
    {
        v->state = "published";

    } else {
        v->state = "missing";
        snprintf(v->reason, MAX_TEXT, "The name has no address.");
    }
}


static void
judge_record(const setup_t *s, const json_t *record, verdict_t *v)
{
    const char    *name = json_string_value(json_object_get(record, "name"));
    const char    *type = json_string_value(json_object_get(record, "type"));
    const json_t  *value = json_object_get(record, "value");
    int            is_sts = strncmp(name, "_mta-sts.", 9) == 0;

    memset(v, 0, sizeof(*v));
    v->state = "unknown";

    if (strncmp(name, "mta-sts.", 8) == 0) {
        judge_host(s, v);

    } else if (!is_sts && strncmp(name, "_smtp._tls.", 11) != 0) {
        snprintf(v->reason, MAX_TEXT, "It is looked at for the enrolment "
                 "alone.");

    } else if (strcmp(type, "CNAME") == 0) {
        judge_alias(s, is_sts ? &s->seen.sts : &s->seen.reporting, value, v);

    } else {
        judge_text(s, is_sts ? &s->seen.sts : &s->seen.reporting, value,
                   is_sts, v);
    }
}


static int
add_verdict(json_t *record, const verdict_t *v)
{
    json_t  *now = json_pack("{s:s, s:o, s:o, s:o}", "state", v->state,
                             "found", v->found ? v->found : json_array(),
                             "reason", v->reason[0] ? json_string(v->reason)
                                                    : json_null(),
                             "checked", time_json(v->checked));
    int      rc = now ? json_object_update(record, now) : -1;

    json_decref(now);

    return rc;
}


static json_t *
records_json(setup_t *s)
{
    size_t      i;
    json_t     *record;
    verdict_t   v;

    json_array_foreach(json_object_get(s->records, "records"), i, record) {
        judge_record(s, record, &v);

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
        rc = json_object_set_new(json, "checked", time_json(checked));
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
    verdict_t    v;
    const char  *state = "unknown", *text = v.reason;

    if (record == NULL) {
        return add_step(steps, step, "todo", todo, NULL, 0);
    }

    judge_record(s, record, &v);
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
    char                         text[MAX_TEXT];
    const tlsrpt_seen_policy_t  *p = &s->seen.policy;

    if (!s->is_served) {
        return add_step(steps, "policy-host", "todo", "First a policy is to "
                        "be served.", NULL, 0);
    }

    if (p->result.len == 0 || tlsrpt_str_is(p->result, "unknown")
        || s->now - p->at > STALE)
    {
        return add_step(steps, "policy-host", "unknown", "No check has "
                        "fetched the policy lately.", NULL, p->at);
    }

    if (tlsrpt_str_is(p->result, "ok")) {
        return add_step(steps, "policy-host", "done", "The policy can be "
                        "fetched as senders do, and the certificate is "
                        "trusted.", NULL, p->at);
    }

    snprintf(text, sizeof(text), "Senders cannot fetch the policy: %.*s%s%.*s",
             (int) (p->result.len < 32 ? p->result.len : 32), p->result.data,
             p->detail.len ? ": " : "",
             (int) (p->detail.len < 200 ? p->detail.len : 200),
             p->detail.len ? p->detail.data : "");

    return add_step(steps, "policy-host", "wrong", text, NULL, p->at);
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
    setup_t         *s = calloc(1, sizeof(*s));
    tlsrpt_query_t  *query = calloc(1, sizeof(*query));
    int              rc = -1;

    if (s != NULL && query != NULL && ask->records != NULL) {
        s->lookup.type = &setup_type;
        s->is_served = ask->policy_id.data != NULL;
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
