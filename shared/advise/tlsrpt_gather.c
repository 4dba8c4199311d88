/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_gather.h"


#define MAX_PATTERNS_TEXT  256              /* of a policy, told */
#define UNKNOWN_WAY        99               /* no TLSRPT_VIA_... */


void
tlsrpt_gather_free(tlsrpt_gather_t *g)
{
    for (size_t i = 0; i < g->n; i++) {
        tlsrpt_problem_free(g->list[i]);
    }

    tlsrpt_evidence_free(&g->evidence);
}


/*
 * Which problem: of the type, and of the mail server where a server is at fault
 */

static int
same(tlsrpt_str_t s, tlsrpt_value_t value)
{
    return s.len == value.len && memcmp(s.data, value.data, s.len) == 0;
}


/* What a failure is of. */
typedef struct {
    tlsrpt_value_t           type;
    tlsrpt_value_t           mx;
    int                      many;
    const tlsrpt_episode_t  *past;
} place_t;

static tlsrpt_str_t
text_of(tlsrpt_value_t value)
{
    tlsrpt_str_t  s = { value.data, value.kind == TLSRPT_VALUE_TEXT
                                    ? value.len : 0 };

    return s;
}


static void
set_place(const tlsrpt_gather_t *g, place_t *place, tlsrpt_value_t type,
    tlsrpt_value_t mx, int many, int32_t day)
{
    place->type = type;
    place->mx = mx;
    place->many = many;
    place->past = tlsrpt_episodes_past(&g->episodes, text_of(type), text_of(mx),
                                       many, day);
}


static int
is_of(const tlsrpt_problem_t *p, const place_t *place)
{
    return p->many == place->many && p->past == place->past
           && same(p->result_type, place->type)
           && (p->many || same(p->mx, place->mx));
}


static int
is_verified(const tlsrpt_gather_t *g)
{
    return g->packed.via == TLSRPT_VIA_MAIL;
}


/* Does it count against what the report may add? */

static int
is_bounded(const tlsrpt_gather_t *g, const tlsrpt_problem_t *p)
{
    return p->past == NULL && (p->is_signed || !is_verified(g));
}


static tlsrpt_problem_t *
find(const tlsrpt_gather_t *g, const place_t *place, size_t *of_type)
{
    *of_type = 0;

    for (size_t i = 0; i < g->n; i++) {
        if (is_of(g->list[i], place)) {
            return g->list[i];
        }

        *of_type += is_bounded(g, g->list[i])
                    && same(g->list[i]->result_type, place->type);
    }

    return NULL;
}


static int
is_known(const tlsrpt_gather_t *g, const place_t *place)
{
    return place->past != NULL
           || tlsrpt_episodes_is_open(&g->episodes, text_of(place->type),
                                      text_of(place->mx), place->many);
}


/* Is it of the past, and that left out? */

static int
is_left(const tlsrpt_gather_t *g, const place_t *place)
{
    return g->leaves_past && place->past != NULL;
}


/* NULL: no memory. */

static tlsrpt_problem_t *
problem_create(tlsrpt_gather_t *g, const place_t *place)
{
    tlsrpt_str_t       result_type, host;
    tlsrpt_problem_t  *p;

    if (tlsrpt_evidence_keep(&g->evidence, place->type, &result_type) != 0
        || tlsrpt_evidence_keep(&g->evidence, place->mx, &host) != 0)
    {
        return NULL;
    }

    p = tlsrpt_problem_create(result_type);

    if (p == NULL) {
        return NULL;
    }

    p->mx = host;
    p->many = place->many;
    p->past = place->past;
    g->nnow += p->past == NULL;
    g->list[g->n++] = p;

    return p;
}


/* Sets p to NULL where it is left out. */

static int
problem_of(tlsrpt_gather_t *g, tlsrpt_value_t type, tlsrpt_value_t mx,
    size_t day, tlsrpt_problem_t **p)
{
    place_t               place;
    size_t                of_type;
    const int32_t         date = g->evidence.scan.from + (int32_t) day;
    const tlsrpt_value_t  none = tlsrpt_value_of("", 0);
    const tlsrpt_value_t  rest = tlsrpt_value_of(TLSRPT_OVERFLOW,
                                                 sizeof(TLSRPT_OVERFLOW) - 1);

    type = type.kind == TLSRPT_VALUE_NULL ? none : type;

    if (mx.kind != TLSRPT_VALUE_TEXT
        || tlsrpt_explain(text_of(type))->of_policy)
    {
        mx = none;
    }

    set_place(g, &place, type, mx, 0, date);
    *p = find(g, &place, &of_type);

    if (*p == NULL && of_type >= TLSRPT_MAX_OF_TYPE && !is_known(g, &place)) {
        set_place(g, &place, type, none, 1, date);
        *p = find(g, &place, &of_type);
    }

    if (*p == NULL && !is_known(g, &place)
        && (is_verified(g) ? g->nsigned : g->nnow) >= TLSRPT_MAX_PROBLEMS - 1)
    {
        set_place(g, &place, rest, none, 1, date);
        *p = find(g, &place, &of_type);
    }

    if (*p == NULL && is_left(g, &place)) {
        return 0;
    }

    *p = *p != NULL ? *p : problem_create(g, &place);

    if (*p == NULL) {
        return -1;
    }

    if (is_verified(g) && !(*p)->is_signed) {
        (*p)->is_signed = 1;
        g->nsigned += (*p)->past == NULL;
    }

    return 0;
}


/*
 * The policy that the sender saw against the mail server it came to
 */

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


/* RFC 8461 4.1.  The policy that is served now stands in for one that the
   report does not tell. */

static int
gather_cover(tlsrpt_gather_t *g, tlsrpt_problem_t *p,
    const tlsrpt_packed_type_t *type, const tlsrpt_row_t *row)
{
    tlsrpt_str_t  mx = text_of(row->receiving_mx_hostname);

    if (mx.len == 0 || p->mx.len == 0 || tlsrpt_problem_is_of_policy(p)
        || tlsrpt_evidence_kind(type->policy_type) != TLSRPT_DAY_STS)
    {
        return 0;
    }

    if (type->nmx == 0) {
        if (g->evidence.served != NULL
            && !tlsrpt_evidence_served(&g->evidence, mx))
        {
            p->uncovered = tlsrpt_count_add(p->uncovered, row->failed);
        }

        return 0;
    }

    if (!is_uncovered(type, mx)) {
        return 0;
    }

    p->uncovered = tlsrpt_count_add(p->uncovered, row->failed);
    p->too_deep |= is_too_deep(type, mx);

    return p->patterns.data != NULL
           ? 0 : join_patterns(&g->evidence, type, &p->patterns);
}


/*
 * Rows
 */

static unsigned char
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


/* What a report says of a problem is summed up before it counts: the same
   sessions may be told under sts and under tlsa. */

static void
stage(tlsrpt_gather_t *g, tlsrpt_problem_t *p, unsigned kind,
    unsigned char under, uint64_t failed)
{
    size_t  i = 0;

    while (i < g->n && g->list[i] != p) {
        i++;
    }

    if (p->staged_kinds == 0 && g->nstaged < TLSRPT_MAX_FAILURES) {
        g->staged[g->nstaged++] = i;
    }

    p->staged[kind] = tlsrpt_count_add(p->staged[kind], failed);
    p->staged_kinds |= (unsigned char) (1u << kind);
    p->staged_under |= under;
}


/* As everywhere: the larger of the sts and the tlsa sum, and the others. */

static int
hit(tlsrpt_gather_t *g, tlsrpt_problem_t *p, size_t day, size_t sender)
{
    tlsrpt_hit_t     h = { day, sender, 0, 0, p->staged_under,
                           p->staged_kinds };
    const uint64_t  *staged = p->staged;

    h.failed = tlsrpt_count_add(staged[TLSRPT_DAY_OTHER],
                                staged[TLSRPT_DAY_STS]
                                > staged[TLSRPT_DAY_TLSA]
                                ? staged[TLSRPT_DAY_STS]
                                : staged[TLSRPT_DAY_TLSA]);

    if (g->packed.via == TLSRPT_VIA_MAIL) {
        h.verified = h.failed;
        p->mailed = tlsrpt_count_add(p->mailed, h.failed);

    } else if (g->packed.via == TLSRPT_VIA_HTTPS) {
        p->posted = tlsrpt_count_add(p->posted, h.failed);
    }

    memset(p->staged, 0, sizeof(p->staged));
    p->staged_under = 0;
    p->staged_kinds = 0;

    return tlsrpt_problem_hit(p, &h);
}


static int
flush(tlsrpt_gather_t *g, size_t day, size_t sender)
{
    int  rc = 0;

    for (size_t i = 0; i < g->nstaged; i++) {
        rc |= hit(g, g->list[g->staged[i]], day, sender);
    }

    g->nstaged = 0;

    return rc;
}


static int
gather_row(tlsrpt_gather_t *g, const tlsrpt_row_t *row, size_t day)
{
    tlsrpt_problem_t            *p;
    tlsrpt_value_t  values[TLSRPT_NDIMENSIONS] = { { NULL, 0, 0 } };
    const tlsrpt_packed_type_t  *type = &g->packed.types[row->type];

    if (row->failed == 0) {
        return 0;
    }

    if (problem_of(g, row->result_type, row->receiving_mx_hostname, day, &p)
        != 0)
    {
        return -1;
    }

    if (p == NULL) {
        return 0;
    }

    stage(g, p, tlsrpt_evidence_kind(type->policy_type), under(type),
          row->failed);
    p->raw = tlsrpt_count_add(p->raw, row->failed);

    if (row->sending_mta_ip.kind == TLSRPT_VALUE_IP) {
        p->addressed = tlsrpt_count_add(p->addressed, row->failed);
    }

    values[TLSRPT_BY_ORGANIZATION] = tlsrpt_evidence_name(
                                         g->packed.organization);
    values[TLSRPT_BY_POLICY_TYPE] = type->policy_type;
    values[TLSRPT_BY_MX] = row->receiving_mx_hostname;
    values[TLSRPT_BY_SENDING_IP] = row->sending_mta_ip;
    values[TLSRPT_BY_RECEIVING_IP] = row->receiving_ip;
    values[TLSRPT_BY_REASON] = row->failure_reason_code;

    return tlsrpt_problem_count(p, values, row->failed) != 0
           || gather_cover(g, p, type, row) != 0
           ? -1 : 0;
}


static int
gather_rest(tlsrpt_gather_t *g, uint64_t failed, size_t day)
{
    tlsrpt_problem_t  *p;

    if (failed == 0) {
        return 0;
    }

    if (problem_of(g, tlsrpt_value_of(TLSRPT_OVERFLOW,
                                      sizeof(TLSRPT_OVERFLOW) - 1),
                   tlsrpt_value_of("", 0), day, &p) != 0)
    {
        return -1;
    }

    if (p == NULL) {
        return 0;
    }

    stage(g, p, TLSRPT_DAY_OTHER, TLSRPT_UNDER_UNKNOWN, failed);
    p->raw = tlsrpt_count_add(p->raw, failed);

    return 0;
}


int
tlsrpt_gather_overflow(tlsrpt_gather_t *g, uint64_t failed, size_t day)
{
    /* the day's totals do not tell which way it came */
    g->packed.via = UNKNOWN_WAY;

    return gather_rest(g, failed, day) != 0
           || flush(g, day, TLSRPT_NO_SENDER) != 0
           ? -1 : 0;
}


static int
gather_report(tlsrpt_gather_t *g, size_t day, int *again)
{
    size_t                      sender;
    tlsrpt_row_t                row;
    const tlsrpt_sender_day_t  *d;

    if (tlsrpt_evidence_add(&g->evidence, &g->packed, day, &sender) != 0) {
        return -1;
    }

    d = tlsrpt_evidence_day(&g->evidence, sender, day);
    *again |= d != NULL && d->reports > 1;

    while (tlsrpt_packed_row(&g->packed, &row)) {
        if (gather_row(g, &row, day) != 0) {
            return -1;
        }
    }

    return gather_rest(g, g->packed.overflow, day) != 0
           || flush(g, day, sender) != 0
           ? -1 : 0;
}


int
tlsrpt_gather_log(tlsrpt_gather_t *g, const char *day_log, size_t len,
    size_t day, int *again)
{
    *again = 0;
    tlsrpt_packed_begin(&g->packed, g->evidence.scan.domain, day_log, len);

    while (tlsrpt_packed_next(&g->packed)) {
        if (gather_report(g, day, again) != 0) {
            return -1;
        }
    }

    return 0;
}
