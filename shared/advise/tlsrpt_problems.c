/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_finding.h"
#include "tlsrpt_fold.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_record.h"
#include "tlsrpt_result.h"


#define MAX_FINDINGS       64
#define MAX_PATTERNS_TEXT  256              /* of a policy, told */

typedef struct {
    tlsrpt_reading_t    reading;
    tlsrpt_evidence_t   evidence;
    mta_sts_policy_t    served;
    tlsrpt_finding_t   *findings[MAX_FINDINGS];
    size_t              nfindings;
    tlsrpt_record_t     record;
} tlsrpt_problems_t;

/* The dimension of each of a finding's groups. */

static const unsigned char  dimensions[TLSRPT_FINDING_NGROUPS] = {
    TLSRPT_BY_ORGANIZATION, TLSRPT_BY_MX, TLSRPT_BY_SENDING_IP,
    TLSRPT_BY_RECEIVING_IP, TLSRPT_BY_REASON, TLSRPT_BY_POLICY_TYPE
};


/*
 * Life
 */

static void
finding_free(tlsrpt_finding_t *finding)
{
    for (int i = 0; i < TLSRPT_FINDING_NGROUPS; i++) {
        tlsrpt_groups_free(&finding->groups[i]);
    }

    free(finding->by_day);
    free(finding);
}


static void
problems_destroy(tlsrpt_reading_t *reading)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) reading;

    for (size_t i = 0; i < problems->nfindings; i++) {
        finding_free(problems->findings[i]);
    }

    for (size_t i = 0; i < problems->evidence.nsenders; i++) {
        free(problems->evidence.senders[i].days);
    }

    tlsrpt_strings_free(&problems->evidence.text);
    tlsrpt_range_free(&problems->evidence.range);
    free(problems);
}


static const tlsrpt_command_t *
problems_next(tlsrpt_reading_t *reading, size_t *n)
{
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) reading;

    return tlsrpt_range_next(&problems->evidence.range, n);
}


static int
problems_seen(const tlsrpt_reading_t *reading)
{
    return ((const tlsrpt_problems_t *) reading)->evidence.range.seen;
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
is_sts(const tlsrpt_record_type_t *type)
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
has_fetched(const tlsrpt_record_t *r)
{
    for (size_t i = 0; i < r->ntypes; i++) {
        const tlsrpt_record_type_t  *t = &r->types[i];

        if (t->successful && is_sts(t)) {
            return 1;
        }
    }

    return 0;
}


static int
gather_sender(tlsrpt_evidence_t *e, const tlsrpt_record_t *r, size_t day)
{
    size_t            i;
    tlsrpt_value_t    name = named(r->organization);
    tlsrpt_sender_t  *s;

    for (i = 0; i < e->nsenders && !same(e->senders[i].name, name); i++) {
        /* void */
    }

    if (i == TLSRPT_MAX_SENDERS) {
        return 0;
    }

    s = &e->senders[i];

    if (i == e->nsenders) {
        s->days = calloc(e->range.ndays, 1);

        if (s->days == NULL) {
            return -1;
        }

        e->nsenders++;

        if (keep(e, name, &s->name) != 0) {
            return -1;
        }
    }

    s->days[day] |= TLSRPT_SENDER_REPORTED;
    s->days[day] |= r->successful ? TLSRPT_SENDER_SUCCEEDED : 0;
    s->days[day] |= has_fetched(r) ? TLSRPT_SENDER_FETCHED : 0;
    s->days[day] |= r->successful + r->failure > 1 ? TLSRPT_SENDER_BUSY : 0;

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


static tlsrpt_finding_t *
finding_create(tlsrpt_problems_t *problems, tlsrpt_value_t type)
{
    tlsrpt_finding_t  *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return NULL;
    }

    f->by_day = calloc(problems->evidence.range.ndays, sizeof(*f->by_day));

    if (f->by_day == NULL
        || keep(&problems->evidence, type, &f->result_type) != 0)
    {
        finding_free(f);
        return NULL;
    }

    for (int i = 0; i < TLSRPT_FINDING_NGROUPS; i++) {
        f->groups[i].nby = 1;
        f->groups[i].by = &dimensions[i];
        f->groups[i].max = TLSRPT_FINDING_VALUES;
    }

    f->explanation = tlsrpt_explain(f->result_type);
    f->first = problems->evidence.range.ndays;
    problems->findings[problems->nfindings++] = f;

    return f;
}


/* The finding of the type; those beyond the bound share one. */

static tlsrpt_finding_t *
finding_of(tlsrpt_problems_t *problems, tlsrpt_value_t type)
{
    if (type.kind == TLSRPT_VALUE_NULL) {
        type = tlsrpt_value_of("", 0);
    }

    for (size_t i = 0; i < problems->nfindings; i++) {
        if (same(problems->findings[i]->result_type, type)) {
            return problems->findings[i];
        }
    }

    if (problems->nfindings == MAX_FINDINGS - 1) {
        type = tlsrpt_value_of(TLSRPT_OVERFLOW, sizeof(TLSRPT_OVERFLOW) - 1);
    }

    return problems->nfindings < MAX_FINDINGS
           ? finding_create(problems, type)
           : problems->findings[MAX_FINDINGS - 1];
}


static unsigned
under(const tlsrpt_record_type_t *type)
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
is_uncovered(const tlsrpt_record_type_t *type, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (tlsrpt_covers(text_of(type->mx[i]), mx)) {
            return 0;
        }
    }

    return type->nmx > 0 && type->nmx < TLSRPT_MAX_PATTERNS;
}


static int
is_too_deep(const tlsrpt_record_type_t *type, tlsrpt_str_t mx)
{
    for (size_t i = 0; i < type->nmx; i++) {
        if (tlsrpt_is_too_deep(text_of(type->mx[i]), mx)) {
            return 1;
        }
    }

    return 0;
}


static int
join_patterns(tlsrpt_evidence_t *e, const tlsrpt_record_type_t *type,
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
gather_uncovered(tlsrpt_evidence_t *e, tlsrpt_finding_t *f,
    const tlsrpt_record_type_t *type, tlsrpt_value_t mx)
{
    tlsrpt_str_t         host = { mx.data, mx.len };
    tlsrpt_uncovered_t  *u = &f->uncovered[f->nuncovered];

    if (!f->explanation->names_mx || mx.kind != TLSRPT_VALUE_TEXT
        || !is_sts(type) || f->nuncovered == TLSRPT_FINDING_UNCOVERED
        || !is_uncovered(type, host))
    {
        return 0;
    }

    for (size_t i = 0; i < f->nuncovered; i++) {
        if (same(f->uncovered[i].mx, mx)) {
            return 0;
        }
    }

    if (keep(e, mx, &u->mx) != 0 || join_patterns(e, type, &u->patterns) != 0) {
        return -1;
    }

    u->too_deep = is_too_deep(type, host);
    f->nuncovered++;

    return 0;
}


static int
gather_groups(tlsrpt_finding_t *f, const tlsrpt_value_t *values,
    uint64_t failed)
{
    tlsrpt_group_t  *g;

    for (int i = 0; i < TLSRPT_FINDING_NGROUPS; i++) {
        if (values[dimensions[i]].kind == TLSRPT_VALUE_NULL) {
            continue;
        }

        g = tlsrpt_groups_find(&f->groups[i], values);

        if (g == NULL) {
            return -1;
        }

        g->failure = tlsrpt_count_add(g->failure, failed);
    }

    return 0;
}


static void
count(tlsrpt_finding_t *f, uint64_t failed, size_t day)
{
    f->failed = tlsrpt_count_add(f->failed, failed);
    f->by_day[day] = tlsrpt_count_add(f->by_day[day], failed);
    f->first = day < f->first ? day : f->first;
    f->last = day > f->last ? day : f->last;
}


static int
gather_row(tlsrpt_problems_t *problems, const tlsrpt_row_t *row, size_t day)
{
    tlsrpt_value_t               values[TLSRPT_NDIMENSIONS];
    tlsrpt_finding_t            *f;
    const tlsrpt_record_type_t  *type = &problems->record.types[row->type];

    f = finding_of(problems, row->result_type);

    if (f == NULL) {
        return -1;
    }

    count(f, row->failed, day);
    f->under |= under(type);

    values[TLSRPT_BY_ORGANIZATION] = named(problems->record.organization);
    values[TLSRPT_BY_POLICY_TYPE] = type->policy_type;
    values[TLSRPT_BY_MX] = row->receiving_mx_hostname;
    values[TLSRPT_BY_SENDING_IP] = row->sending_mta_ip;
    values[TLSRPT_BY_RECEIVING_IP] = row->receiving_ip;
    values[TLSRPT_BY_REASON] = row->failure_reason_code;

    return gather_groups(f, values, row->failed) != 0
           || gather_uncovered(&problems->evidence, f, type,
                               row->receiving_mx_hostname) != 0
           || gather_address(&problems->evidence, row, day) != 0
           ? -1 : 0;
}


/* What is counted, but not in detail. */

static int
gather_beyond(tlsrpt_problems_t *problems, uint64_t failed, size_t day)
{
    tlsrpt_finding_t  *f;

    if (failed == 0) {
        return 0;
    }

    f = finding_of(problems, tlsrpt_value_of(TLSRPT_OVERFLOW,
                                             sizeof(TLSRPT_OVERFLOW) - 1));

    if (f == NULL) {
        return -1;
    }

    count(f, failed, day);
    f->under |= TLSRPT_UNDER_UNKNOWN;

    return 0;
}


static int
gather_cell(tlsrpt_problems_t *problems, const tlsrpt_reply_t *reply,
    size_t day)
{
    tlsrpt_row_t      row;
    tlsrpt_record_t  *r = &problems->record;

    tlsrpt_record_begin(r, problems->evidence.range.domain, reply->str,
                        reply->len);

    while (tlsrpt_record_next(r)) {
        if (gather_sender(&problems->evidence, r, day) != 0) {
            return -1;
        }

        while (tlsrpt_record_row(r, &row)) {
            if (gather_row(problems, &row, day) != 0) {
                return -1;
            }
        }

        if (gather_beyond(problems, r->beyond, day) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
problems_add(tlsrpt_reading_t *reading, size_t n, const tlsrpt_reply_t *reply)
{
    int                 day;
    tlsrpt_problems_t  *problems = (tlsrpt_problems_t *) reading;

    day = tlsrpt_range_add(&problems->evidence.range, n, reply);

    if (day < 0 || reply->type != TLSRPT_REPLY_STRING) {
        return TLSRPT_OK;
    }

    return gather_cell(problems, reply, (size_t) day) == 0
           ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/*
 * Telling
 */

static int
worst_first(const void *one, const void *two)
{
    const tlsrpt_finding_t  *a = *(tlsrpt_finding_t *const *) one;
    const tlsrpt_finding_t  *b = *(tlsrpt_finding_t *const *) two;

    if (a->severity != b->severity) {
        return (int) b->severity - (int) a->severity;
    }

    if (a->failed != b->failed) {
        return a->failed > b->failed ? -1 : 1;
    }

    return strcmp(a->result_type.data, b->result_type.data);
}


/* Once all is read. */

static int
finish(tlsrpt_problems_t *problems)
{
    const tlsrpt_evidence_t  *e = &problems->evidence;

    /* A cell that is full leaves its failures to the day's totals. */
    for (size_t i = 0; i < e->range.ndays; i++) {
        if (gather_beyond(problems, e->range.days[i].over, i) != 0) {
            return -1;
        }
    }

    for (size_t i = 0; i < problems->nfindings; i++) {
        problems->findings[i]->severity =
            tlsrpt_diagnosis_severity(e, problems->findings[i]);
    }

    qsort(problems->findings, problems->nfindings,
          sizeof(problems->findings[0]), worst_first);

    return 0;
}


static json_t *
problems_json(tlsrpt_reading_t *reading)
{
    tlsrpt_problems_t     *problems = (tlsrpt_problems_t *) reading;
    char                   from[TLSRPT_DAY_TEXT_LEN + 1];
    char                   to[TLSRPT_DAY_TEXT_LEN + 1];
    size_t                 medium = 0;
    json_t                *array;
    const tlsrpt_range_t  *range = &problems->evidence.range;

    array = finish(problems) == 0 ? json_array() : NULL;

    for (size_t i = 0; array != NULL && i < problems->nfindings; i++) {
        if (json_array_append_new(array,
                                  tlsrpt_diagnosis_json(&problems->evidence,
                                                     problems->findings[i]))
            != 0)
        {
            json_decref(array);
            return NULL;
        }

        medium += problems->findings[i]->severity >= TLSRPT_SEVERITY_MEDIUM;
    }

    if (array == NULL
        || tlsrpt_silence_json(&problems->evidence, array, medium) != 0)
    {
        json_decref(array);
        return NULL;
    }

    tlsrpt_day_text(range->from, from);
    tlsrpt_day_text(range->to, to);

    return json_pack("{s:s%, s:s, s:s, s:o}", "domain", range->domain.data,
                     range->domain.len, "from", from, "to", to, "problems",
                     array);
}


static const tlsrpt_reading_type_t  problems_type = {
    problems_next, problems_add, problems_seen, problems_json, problems_destroy
};


tlsrpt_reading_t *
tlsrpt_problems_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix, const mta_sts_policy_t *served,
    int32_t today)
{
    tlsrpt_problems_t  *problems = calloc(1, sizeof(*problems));

    if (problems == NULL) {
        return NULL;
    }

    problems->reading.type = &problems_type;

    if (served != NULL) {
        problems->served = *served;
        problems->evidence.served = &problems->served;
    }

    if (tlsrpt_range_init(&problems->evidence.range, query, domain, prefix)
        != 0)
    {
        free(problems);
        return NULL;
    }

    problems->evidence.nknown = today < query->from ? 0
                                : today > query->to
                                ? problems->evidence.range.ndays
                                : (size_t) (today - query->from) + 1;

    return &problems->reading;
}
