/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_conflicts.h"
#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_diagnosis.h"
#include "tlsrpt_evidence.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_problem.h"
#include "tlsrpt_problem_json.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_result.h"
#include "tlsrpt_silence.h"
#include "tlsrpt_tally.h"


#define MAX_TYPES          64               /* result types told apart */
#define MAX_PATTERNS_TEXT  256              /* of a policy, told */

/* A problem is ongoing if it was seen on one of the range's last days: reports
   on a day come on the next one. */
#define ONGOING_DAYS       3

typedef struct {
    tlsrpt_lookup_t     lookup;
    tlsrpt_evidence_t   evidence;
    mta_sts_policy_t    served;
    tlsrpt_problem_t   *list[MAX_TYPES + TLSRPT_MAX_SENDERS];
    size_t              n;
    tlsrpt_conflict_days_t  conflicts;
    tlsrpt_packed_t     packed;
} tlsrpt_problems_t;


/*
 * Life
 */

static void
problems_destroy(tlsrpt_lookup_t *lookup)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    for (size_t i = 0; i < problems->n; i++) {
        tlsrpt_problem_free(problems->list[i]);
    }

    for (size_t i = 0; i < problems->evidence.nsenders; i++) {
        free(problems->evidence.senders[i].days);
    }

    tlsrpt_strings_free(&problems->evidence.text);
    tlsrpt_day_scan_free(&problems->evidence.scan);
    tlsrpt_conflict_days_free(&problems->conflicts);
    free(problems);
}


static const tlsrpt_command_t *
problems_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    size_t                   day = 0;
    tlsrpt_day_scan_t       *scan = &problems->evidence.scan;
    const tlsrpt_command_t  *command = tlsrpt_day_scan_next(scan, n);

    if (command != NULL || scan->pending) {
        return command;
    }

    command = tlsrpt_conflict_days_next(&problems->conflicts, scan, &day);
    *n = tlsrpt_day_scan_end(scan) + day;   /* a day's list each */

    return command;
}


static int
problems_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const tlsrpt_problems_t *) lookup)->evidence.scan.seen;
}


/*
 * Gathering
 */

static int
same(tlsrpt_str_t s, tlsrpt_value_t value)
{
    return s.len == value.len && memcmp(s.data, value.data, s.len) == 0;
}


/* Keeps a value's text.  An empty string where there is none. */

static int
keep(tlsrpt_evidence_t *e, tlsrpt_value_t value, tlsrpt_str_t *kept)
{
    char          buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t  text = tlsrpt_value_text(value, buf);
    json_t       *json = json_stringn(text.data ? text.data : "", text.len);

    if (json == NULL) {
        /* someone else put it into Redis */
        text.data = "(not UTF-8)";
        text.len = strlen(text.data);
    }

    json_decref(json);

    return tlsrpt_strings_intern(&e->text, text.data ? text.data : "", text.len,
                                 kept);
}


static int
is_sts(const tlsrpt_packed_type_t *type)
{
    tlsrpt_str_t  word = { type->policy_type.data, type->policy_type.len };

    return word.data != NULL
           && tlsrpt_policy_type_code(word) == TLSRPT_TYPE_STS;
}


/* What a report without the name of its organization goes under. */

static tlsrpt_value_t
named(tlsrpt_value_t organization)
{
    return organization.kind == TLSRPT_VALUE_NULL
           ? tlsrpt_value_of("(no name)", 9) : organization;
}


/* Who succeeded under the MTA-STS policy has it. */

static int
has_fetched(const tlsrpt_packed_t *r)
{
    for (size_t i = 0; i < r->ntypes; i++) {
        const tlsrpt_packed_type_t  *t = &r->types[i];

        if (t->successful && is_sts(t)) {
            return 1;
        }
    }

    return 0;
}


/* again: it had reported on the day before. */

static int
gather_sender(tlsrpt_evidence_t *e, const tlsrpt_packed_t *r, size_t day,
    int *again)
{
    size_t            i;
    tlsrpt_value_t    name = named(r->organization);
    tlsrpt_sender_t  *s;

    *again = 0;

    for (i = 0; i < e->nsenders && !same(e->senders[i].name, name); i++) {
        /* void */
    }

    if (i == TLSRPT_MAX_SENDERS) {
        return 0;
    }

    s = &e->senders[i];

    if (i == e->nsenders) {
        s->days = calloc(e->scan.ndays, 1);

        if (s->days == NULL) {
            return -1;
        }

        e->nsenders++;

        if (keep(e, name, &s->name) != 0) {
            return -1;
        }
    }

    *again = (s->days[day] & TLSRPT_SENDER_REPORTED) != 0;
    s->days[day] |= TLSRPT_SENDER_REPORTED;
    s->days[day] |= r->successful ? TLSRPT_SENDER_SUCCEEDED : 0;
    s->days[day] |= has_fetched(r) ? TLSRPT_SENDER_FETCHED : 0;
    s->days[day] |= r->successful + r->failed > 1 ? TLSRPT_SENDER_BUSY : 0;

    return 0;
}


static int
gather_address(tlsrpt_evidence_t *e, const tlsrpt_row_t *row, size_t day)
{
    char          buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t  ip = tlsrpt_value_text(row->receiving_ip, buf);

    if (row->receiving_ip.kind != TLSRPT_VALUE_IP
        || row->receiving_mx_hostname.kind != TLSRPT_VALUE_TEXT)
    {
        return 0;
    }

    for (size_t i = 0; i < e->naddresses; i++) {
        tlsrpt_address_t  *a = &e->addresses[i];

        if (same(a->mx, row->receiving_mx_hostname)
            && a->ip.len == ip.len && memcmp(a->ip.data, ip.data, ip.len) == 0)
        {
            a->first = day < a->first ? day : a->first;
            return 0;
        }
    }

    if (e->naddresses == TLSRPT_MAX_ADDRESSES) {
        return 0;
    }

    e->addresses[e->naddresses].first = day;

    if (keep(e, row->receiving_mx_hostname, &e->addresses[e->naddresses].mx)
        != 0
        || keep(e, row->receiving_ip, &e->addresses[e->naddresses].ip) != 0
        || tlsrpt_strings_intern(&e->text, row->receiving_ip.data,
                                 row->receiving_ip.len,
                              &e->addresses[e->naddresses].bytes)
           != 0)
    {
        return -1;
    }

    e->naddresses++;
    return 0;
}


static tlsrpt_problem_t *
problem_create(tlsrpt_problems_t *problems, tlsrpt_value_t type)
{
    tlsrpt_str_t              result_type;
    tlsrpt_problem_t         *p;
    const tlsrpt_day_scan_t  *scan = &problems->evidence.scan;

    if (keep(&problems->evidence, type, &result_type) != 0) {
        return NULL;
    }

    p = tlsrpt_problem_create(result_type);

    if (p == NULL) {
        return NULL;
    }

    p->by_day = calloc(scan->ndays, sizeof(*p->by_day));

    if (p->by_day == NULL) {
        tlsrpt_problem_free(p);
        return NULL;
    }

    p->first = scan->to;
    p->last = scan->from;
    problems->list[problems->n++] = p;

    return p;
}


/* The problem of the type; those beyond the bound share one. */

static tlsrpt_problem_t *
problem_of(tlsrpt_problems_t *problems, tlsrpt_value_t type)
{
    if (type.kind == TLSRPT_VALUE_NULL) {
        type = tlsrpt_value_of("", 0);
    }

    for (size_t i = 0; i < problems->n; i++) {
        if (same(problems->list[i]->result_type, type)) {
            return problems->list[i];
        }
    }

    if (problems->n == MAX_TYPES - 1) {
        type = tlsrpt_value_of(TLSRPT_OVERFLOW, sizeof(TLSRPT_OVERFLOW) - 1);
    }

    return problems->n < MAX_TYPES
           ? problem_create(problems, type)
           : problems->list[MAX_TYPES - 1];
}


static unsigned
under(const tlsrpt_packed_type_t *type)
{
    unsigned      code;
    tlsrpt_str_t  name = { type->policy_type.data, type->policy_type.len };

    code = name.data ? tlsrpt_policy_type_code(name) : 0;

    if (code == TLSRPT_TYPE_TLSA) {
        return TLSRPT_UNDER_DANE;
    }

    if (code == TLSRPT_TYPE_NO_POLICY || type->mode == MTA_STS_NONE + 1) {
        return TLSRPT_UNDER_NONE;
    }

    return type->mode == MTA_STS_TESTING + 1 ? TLSRPT_UNDER_TESTING
           : type->mode == MTA_STS_ENFORCE + 1 ? TLSRPT_UNDER_ENFORCE
           : TLSRPT_UNDER_UNKNOWN;
}


/*
 * The policy that the sender saw against the mail server it came to.
 */

static tlsrpt_str_t
text_of(tlsrpt_value_t value)
{
    tlsrpt_str_t  s = { value.data, value.kind == TLSRPT_VALUE_TEXT
                                    ? value.len : 0 };

    return s;
}


/* Does no pattern cover the mail server?  Where the report does not tell the
   policy, or perhaps not all of it, that cannot be said. */

static int
is_uncovered(const tlsrpt_packed_type_t *type, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (tlsrpt_covers(text_of(type->mx[i]), mx)) {
            return 0;
        }
    }

    return type->nmx > 0 && type->nmx < TLSRPT_MAX_PATTERNS;
}


static int
is_too_deep(const tlsrpt_packed_type_t *type, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (tlsrpt_is_too_deep(text_of(type->mx[i]), mx)) {
            return 1;
        }
    }

    return 0;
}


static int
join_patterns(tlsrpt_evidence_t *e, const tlsrpt_packed_type_t *type,
    tlsrpt_str_t *joined)
{
    int           rc = -1;
    tlsrpt_buf_t  buf = { NULL, 0, 0, 0 };

    for (size_t i = 0; i < type->nmx; i++) {
        if (type->mx[i].kind != TLSRPT_VALUE_TEXT) {
            continue;
        }

        tlsrpt_buf_add(&buf, ", ", buf.len ? 2 : 0);

        if (buf.len > MAX_PATTERNS_TEXT) {
            tlsrpt_buf_add(&buf, "...", 3);
            break;
        }

        tlsrpt_buf_add(&buf, type->mx[i].data, type->mx[i].len);
    }

    if (!buf.failed) {
        rc = tlsrpt_strings_intern(&e->text, buf.data ? buf.data : "", buf.len,
                                   joined);
    }

    free(buf.data);
    return rc;
}


static int
gather_uncovered(tlsrpt_evidence_t *e, tlsrpt_problem_t *p,
    const tlsrpt_packed_type_t *type, tlsrpt_value_t mx)
{
    tlsrpt_str_t         host = { mx.data, mx.len };
    tlsrpt_uncovered_t  *u = &p->uncovered[p->nuncovered];

    if (!p->explanation->names_mx || mx.kind != TLSRPT_VALUE_TEXT
        || !is_sts(type) || p->nuncovered == TLSRPT_PROBLEM_UNCOVERED
        || !is_uncovered(type, host))
    {
        return 0;
    }

    for (size_t i = 0; i < p->nuncovered; i++) {
        if (same(p->uncovered[i].mx, mx)) {
            return 0;
        }
    }

    if (keep(e, mx, &u->mx) != 0 || join_patterns(e, type, &u->patterns) != 0) {
        return -1;
    }

    u->too_deep = is_too_deep(type, host);
    p->nuncovered++;

    return 0;
}


static void
count(tlsrpt_problems_t *problems, tlsrpt_problem_t *p, uint64_t failed,
    size_t i)
{
    const int32_t  day = problems->evidence.scan.from + (int32_t) i;

    p->failed = tlsrpt_count_add(p->failed, failed);
    p->by_day[i] = tlsrpt_count_add(p->by_day[i], failed);
    p->first = day < p->first ? day : p->first;
    p->last = day > p->last ? day : p->last;
}


static int
gather_row(tlsrpt_problems_t *problems, const tlsrpt_row_t *row, size_t day)
{
    tlsrpt_value_t               values[TLSRPT_NDIMENSIONS];
    tlsrpt_problem_t            *p;
    const tlsrpt_packed_type_t  *type = &problems->packed.types[row->type];

    p = problem_of(problems, row->result_type);

    if (p == NULL) {
        return -1;
    }

    count(problems, p, row->failed, day);
    p->under |= under(type);

    values[TLSRPT_BY_ORGANIZATION] = named(problems->packed.organization);
    values[TLSRPT_BY_POLICY_TYPE] = type->policy_type;
    values[TLSRPT_BY_MX] = row->receiving_mx_hostname;
    values[TLSRPT_BY_SENDING_IP] = row->sending_mta_ip;
    values[TLSRPT_BY_RECEIVING_IP] = row->receiving_ip;
    values[TLSRPT_BY_REASON] = row->failure_reason_code;

    return tlsrpt_problem_count(p, values, row->failed) != 0
           || gather_uncovered(&problems->evidence, p, type,
                               row->receiving_mx_hostname) != 0
           || gather_address(&problems->evidence, row, day) != 0
           ? -1 : 0;
}


/* What is counted, but not in detail. */

static int
gather_overflow(tlsrpt_problems_t *problems, uint64_t failed, size_t day)
{
    tlsrpt_problem_t  *p;

    if (failed == 0) {
        return 0;
    }

    p = problem_of(problems, tlsrpt_value_of(TLSRPT_OVERFLOW,
                                             sizeof(TLSRPT_OVERFLOW) - 1));

    if (p == NULL) {
        return -1;
    }

    count(problems, p, failed, day);
    p->under |= TLSRPT_UNDER_UNKNOWN;

    return 0;
}


static int
gather_log(tlsrpt_problems_t *problems, tlsrpt_str_t log, size_t day)
{
    int               again;
    tlsrpt_row_t      row;
    tlsrpt_packed_t  *r = &problems->packed;

    tlsrpt_packed_begin(r, problems->evidence.scan.domain, log.data, log.len);

    while (tlsrpt_packed_next(r)) {
        if (gather_sender(&problems->evidence, r, day, &again) != 0) {
            return -1;
        }

        if (again) {
            tlsrpt_conflict_days_note(&problems->conflicts, day);
        }

        while (tlsrpt_packed_row(r, &row)) {
            if (gather_row(problems, &row, day) != 0) {
                return -1;
            }
        }

        if (gather_overflow(problems, r->overflow, day) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
problems_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    int                 rc;
    size_t              day, end;
    tlsrpt_str_t        log;
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;
    tlsrpt_day_scan_t  *scan = &problems->evidence.scan;

    end = tlsrpt_day_scan_end(scan);

    if (n >= end) {
        return tlsrpt_conflict_days_add(&problems->conflicts, scan->from
                                        + (int32_t) (n - end), reply)
               == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
    }

    rc = tlsrpt_day_scan_add(scan, n, reply);

    while (rc == 0 && tlsrpt_day_scan_log(scan, &day, &log)) {
        rc = gather_log(problems, log, day);
    }

    return rc == 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/*
 * Judging
 */

/* Of all sessions since the first failure. */

static double
share(const tlsrpt_day_scan_t *scan, const tlsrpt_problem_t *p)
{
    double  all = 0;

    for (size_t i = (size_t) (p->first - scan->from); i < scan->ndays; i++) {
        all += (double) scan->days[i].successful
               + (double) scan->days[i].failed;
    }

    return all > (double) p->failed ? (double) p->failed / all : 1;
}


static void
judge(const tlsrpt_evidence_t *e, tlsrpt_problem_t *p)
{
    const int32_t  known = e->scan.from + (int32_t) e->nknown;

    p->severity = tlsrpt_diagnosis_severity(e, p);
    p->ongoing = p->last + ONGOING_DAYS >= known;
    p->share = share(&e->scan, p);
}


/* Once all is read. */

static int
finish(tlsrpt_problems_t *problems)
{
    const tlsrpt_evidence_t  *e = &problems->evidence;

    /* A day log that is full leaves its failures to the day's totals. */
    for (size_t i = 0; i < e->scan.ndays; i++) {
        if (gather_overflow(problems, e->scan.days[i].overflow, i) != 0) {
            return -1;
        }
    }

    for (size_t i = 0; i < problems->n; i++) {
        judge(e, problems->list[i]);
    }

    if (tlsrpt_silence_find(e, problems->list, &problems->n) != 0) {
        return -1;
    }

    tlsrpt_problem_sort(problems->list, problems->n);

    return 0;
}


static json_t *
problems_json(tlsrpt_lookup_t *lookup)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) lookup;

    return finish(problems) == 0
           ? tlsrpt_problem_json(&problems->evidence, problems->list,
                                 problems->n, problems->conflicts.reports)
           : NULL;
}


static const tlsrpt_lookup_type_t  problems_type = {
    problems_next, problems_add, problems_seen,
    problems_json, NULL, problems_destroy
};


tlsrpt_lookup_t *
tlsrpt_problems_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int32_t today)
{
    tlsrpt_problems_t  *problems = calloc(1, sizeof(*problems));

    if (problems == NULL) {
        return NULL;
    }

    problems->lookup.type = &problems_type;

    if (served != NULL) {
        problems->served = *served;
        problems->evidence.served = &problems->served;
    }

    if (tlsrpt_day_scan_init(&problems->evidence.scan, query, domain, prefix)
        != 0
        || tlsrpt_conflict_days_init(&problems->conflicts,
                                     problems->evidence.scan.ndays) != 0)
    {
        problems_destroy(&problems->lookup);
        return NULL;
    }

    problems->evidence.nknown = today < query->from ? 0
                                : today > query->to
                                ? problems->evidence.scan.ndays
                                : (size_t) (today - query->from) + 1;

    return &problems->lookup;
}
