/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_evidence.h"
#include "tlsrpt_simulation.h"


#define MAX_KEYS  512                       /* of each table; the rest is one */

typedef enum {
    NOTHING,                                /* says nothing of a policy */
    LOST,
    MENDED,
    UNCERTAIN
} fate_t;


int
tlsrpt_simulation_init(tlsrpt_simulation_t *s, const mta_sts_policy_t *policy)
{
    memset(s, 0, sizeof(*s));

    s->policy = policy;
    s->senders = json_object();
    s->results = json_object();
    s->servers = json_object();
    s->reporters = json_object();

    return s->senders && s->results && s->servers && s->reporters ? 0 : -1;
}


void
tlsrpt_simulation_free(tlsrpt_simulation_t *s)
{
    json_decref(s->senders);
    json_decref(s->results);
    json_decref(s->servers);
    json_decref(s->reporters);
}


/* Adds to the count of a name in a table; what is not given is "". */

static void
count(json_t *table, tlsrpt_value_t name, uint64_t n)
{
    char     key[TLSRPT_MAX_STRING + 1];
    size_t   len = name.kind == TLSRPT_VALUE_TEXT ? name.len : 0;
    json_t  *old;

    memcpy(key, len ? name.data : "", len);
    key[len] = '\0';

    old = json_object_get(table, key);

    if (old == NULL && json_object_size(table) >= MAX_KEYS) {
        snprintf(key, sizeof(key), "(others)");
        old = json_object_get(table, key);
    }

    json_object_set_new(table, key,
                        json_integer(json_integer_value(old)
                                     + (json_int_t) n));
}


static tlsrpt_str_t
text_of(tlsrpt_value_t value)
{
    return value.kind == TLSRPT_VALUE_TEXT
           ? (tlsrpt_str_t) { value.data, value.len }
           : (tlsrpt_str_t) { NULL, 0 };
}


static int
covers(const mta_sts_policy_t *policy, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < policy->nmx; i++) {
        tlsrpt_str_t  line = { policy->mx[i], strlen(policy->mx[i]) };

        if (tlsrpt_covers(line, mx)) {
            return 1;
        }
    }

    return 0;
}


static int
type_covers(const tlsrpt_packed_type_t *type, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (tlsrpt_covers(text_of(type->mx[i]), mx)) {
            return 1;
        }
    }

    return 0;
}


/* The server itself failed: whichever lines a policy has, it is refused. */

static int
is_servers(tlsrpt_str_t result)
{
    return tlsrpt_str_is(result, "starttls-not-supported")
           || tlsrpt_str_is(result, "certificate-expired")
           || tlsrpt_str_is(result, "certificate-host-mismatch")
           || tlsrpt_str_is(result, "certificate-not-trusted");
}


/* The sender had no policy, and delivered as if there were none (RFC 8461 5).
   */

static int
is_policys(tlsrpt_str_t result)
{
    return tlsrpt_str_is(result, "sts-policy-fetch-error")
           || tlsrpt_str_is(result, "sts-policy-invalid")
           || tlsrpt_str_is(result, "sts-webpki-invalid");
}


static fate_t
fate_of(const tlsrpt_simulation_t *s, const tlsrpt_packed_type_t *type,
    const tlsrpt_row_t *row)
{
    tlsrpt_str_t  result = text_of(row->result_type);
    tlsrpt_str_t  mx = text_of(row->receiving_mx_hostname);

    if (is_policys(result)) {
        return NOTHING;
    }

    if (is_servers(result)) {
        return LOST;
    }

    if (mx.len == 0) {
        return UNCERTAIN;
    }

    if (!covers(s->policy, mx)) {
        return LOST;
    }

    /* where a line had covered it, it failed for another reason */

    return type->nmx && !type_covers(type, mx) ? MENDED : LOST;
}


static uint64_t
least(uint64_t one, uint64_t two)
{
    return one < two ? one : two;
}


/* The failures of one report under one MTA-STS policy type. */

typedef struct {
    uint64_t  rows;
    uint64_t  of[4];                        /* by fate_t */
} failures_t;

static void
add_type(tlsrpt_simulation_t *s, const tlsrpt_packed_t *report,
    const tlsrpt_packed_type_t *type, failures_t *f)
{
    uint64_t  lost, mended, left = type->failed;

    if (left > f->rows) {
        f->of[UNCERTAIN] += left - f->rows; /* no detail tells of them */
    }

    lost = least(f->of[LOST], left);
    left -= lost;
    mended = least(f->of[MENDED], left);
    left -= mended;

    s->lost = tlsrpt_count_add(s->lost, lost);
    s->mended = tlsrpt_count_add(s->mended, mended);
    s->uncertain = tlsrpt_count_add(s->uncertain,
                                    least(f->of[UNCERTAIN], left));

    if (lost) {
        count(s->senders, tlsrpt_evidence_name(report->organization), lost);
    }
}


static int
is_sts(const tlsrpt_packed_type_t *type)
{
    return tlsrpt_evidence_kind(type->policy_type) == TLSRPT_DAY_STS;
}


void
tlsrpt_simulation_add(tlsrpt_simulation_t *s, tlsrpt_packed_t *report)
{
    fate_t        fate;
    uint64_t      sessions = tlsrpt_count_add(report->successful,
                                              report->failed);
    failures_t    failures[TLSRPT_MAX_TYPES + 1];
    tlsrpt_row_t  row;

    memset(failures, 0, sizeof(failures));

    s->sessions = tlsrpt_count_add(s->sessions, sessions);
    s->successful = tlsrpt_count_add(s->successful, report->successful);
    count(s->reporters, tlsrpt_evidence_name(report->organization), sessions);

    while (tlsrpt_packed_row(report, &row)) {
        if (row.type >= report->ntypes || !is_sts(&report->types[row.type])) {
            continue;
        }

        fate = fate_of(s, &report->types[row.type], &row);
        failures[row.type].rows += row.failed;
        failures[row.type].of[fate] += row.failed;

        if (fate == LOST && s->policy->mode == MTA_STS_ENFORCE) {
            count(s->results, row.result_type, row.failed);
            count(s->servers, row.receiving_mx_hostname, row.failed);
        }
    }

    if (s->policy->mode != MTA_STS_ENFORCE) {
        return;
    }

    for (size_t i = 0; i < report->ntypes; i++) {
        if (is_sts(&report->types[i])) {
            add_type(s, report, &report->types[i], &failures[i]);
        }
    }
}


/*
 * The answer
 */

json_t *
tlsrpt_simulation_uncovered(const tlsrpt_simulation_t *s)
{
    json_t  *list = json_array();

    if (s->policy->mode == MTA_STS_NONE) {
        return list;
    }

    for (size_t i = 0; s->seen && i < s->seen->nhosts; i++) {
        tlsrpt_str_t  host = s->seen->hosts[i].host;

        if (!covers(s->policy, host)) {
            json_array_append_new(list, tlsrpt_str_json(host));
        }
    }

    return list;
}


static void
number(char buf[32], uint64_t n)
{
    char    digits[24];
    size_t  len = (size_t) snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char   *p = buf;

    for (size_t i = 0; i < len; i++) {
        *p++ = digits[i];

        if (i + 1 < len && (len - i - 1) % 3 == 0) {
            *p++ = ',';
        }
    }

    *p = '\0';
}


json_t *
tlsrpt_simulation_sentence(const tlsrpt_simulation_t *s)
{
    char    lost[32], all[32];
    size_t  n = json_object_size(s->senders);

    number(lost, s->lost);
    number(all, s->sessions);

    if (s->lost == 0) {
        return json_sprintf("None of %s session%s", all,
                            s->sessions == 1 ? "" : "s");
    }

    return n == 1
           ? json_sprintf("%s of %s sessions, all from one sender", lost, all)
           : json_sprintf("%s of %s sessions, from %d senders", lost, all,
                          (int) n);
}


/* A table as a list, the greatest count first. */

static int
compare(const void *one, const void *two)
{
    json_t      *a = *(json_t *const *) one, *b = *(json_t *const *) two;
    json_int_t   x = json_integer_value(json_object_get(a, "sessions"));
    json_int_t   y = json_integer_value(json_object_get(b, "sessions"));

    return x != y ? (x < y ? 1 : -1)
                  : strcmp(json_string_value(json_array_get(
                               json_object_get(a, "key"), 0)),
                           json_string_value(json_array_get(
                               json_object_get(b, "key"), 0)));
}


static json_t *
list_of(json_t *table, const char *name)
{
    size_t       n = 0;
    json_t      *list = json_array(), *value;
    json_t     **all = calloc(json_object_size(table) + 1, sizeof(*all));
    const char  *key;

    json_object_foreach(table, key, value) {
        json_t  *e = json_pack("{s:[s], s:O}", "key", key, "sessions", value);

        if (all && e) {
            all[n++] = e;
        } else {
            json_decref(e);
        }
    }

    qsort(all, n, sizeof(*all), compare);

    for (size_t i = 0; i < n; i++) {
        key = json_string_value(json_array_get(json_object_get(all[i], "key"),
                                               0));
        json_array_append_new(list,
            json_pack("{s:s?, s:O}", name, key[0] ? key : NULL, "sessions",
                      json_object_get(all[i], "sessions")));
        json_decref(all[i]);
    }

    free(all);

    return list;
}


static void
say(json_t *reasons, const char *text, uint64_t n)
{
    if (n) {
        json_array_append_new(reasons, json_pack("{s:s, s:I}", "text", text,
                                                 "sessions", (json_int_t) n));
    }
}


json_t *
tlsrpt_simulation_json(const tlsrpt_simulation_t *s)
{
    uint64_t   uncertain = s->uncertain;
    json_t    *reasons = json_array();
    json_t    *uncovered = tlsrpt_simulation_uncovered(s);

    if (s->policy->mode != MTA_STS_ENFORCE) {
        say(reasons, "A policy of this mode refuses nothing: senders deliver, "
            "and report (RFC 8461 5).", s->sessions);
    }

    say(reasons, "Their mail server failed under a policy, by its STARTTLS, "
        "its certificate or as no line covers it: in enforce they are refused.",
        s->lost);
    say(reasons, "No line of the former policy covered their mail server; this "
        "one does.", s->mended);
    say(reasons, "The reports do not say which mail server they failed at, or "
        "why.", s->uncertain);

    if (json_array_size(uncovered) && s->policy->mode == MTA_STS_ENFORCE) {
        say(reasons, "They were delivered, but the last check saw mail servers "
            "that no line covers, and reports do not say which server took "
            "them.", s->successful);
        uncertain = tlsrpt_count_add(uncertain, s->successful);
    }

    return json_pack("{s:I, s:I, s:I, s:I, s:{s:o, s:o, s:o}, s:o, s:o, s:o}",
                     "sessions", (json_int_t) s->sessions,
                     "would-be-lost", (json_int_t) s->lost,
                     "mended", (json_int_t) s->mended,
                     "uncertain", (json_int_t) uncertain,
                     "would-be-lost-by",
                     "organization-name", list_of(s->senders,
                                                  "organization-name"),
                     "result-type", list_of(s->results, "result-type"),
                     "receiving-mx-hostname",
                     list_of(s->servers, "receiving-mx-hostname"),
                     "uncovered-mx", uncovered, "reasons", reasons,
                     "summary", tlsrpt_simulation_sentence(s));
}
